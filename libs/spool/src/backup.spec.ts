import { randomBytes } from 'node:crypto';
import { manualClock, type ManualClock } from '@postrider/actor';
import type { MailObject, MailRecord } from '@postrider/mail';
import { times } from '@postrider/protocol';
import { beforeEach, expect, test } from 'vitest';
import { backUpShard, BackupFailed, type StreamExtent } from './backup.js';
import { holdAll } from './hold-all.js';
import { heldBackBy } from './hold-back.js';
import type { LogMessage } from './log.js';
import { MemoryLog, MemoryStore } from './memory.js';
import { quarantineOf, quarantineStream, subjects } from './names.js';
import { spoolOver } from './open.js';
import { loadStream, RestoreFailed } from './restore.js';
import { mailOf, ownerOptions, readerOf } from './spec/backends.js';
import { Fenced, type ShardOwner, type Spool, type SpooledMail } from './spool.js';

const room = 64 * 1024 * 1024;
let clock: ManualClock;
let log: MemoryLog;
let spool: Spool;
beforeEach(async () => {
  clock = manualClock();
  [log, spool] = await newStore();
});

async function newStore(): Promise<[MemoryLog, Spool]> {
  const fresh = new MemoryLog(new MemoryStore(), room, clock);
  await fresh.prepare(['0']);
  return [fresh, spoolOver(fresh, { clock, giveUpAfter: 8_000 })];
}

async function during<T>(promise: Promise<T>): Promise<T> {
  const state = { settled: false };
  const mark = (): void => void (state.settled = true);
  promise.then(mark, mark);
  for (let n = 0; n < 2_000 && !state.settled; n++) await clock.advance(10);
  return promise;
}

async function ownerWith(mails: readonly MailObject[]): Promise<ShardOwner> {
  const writer = spool.writer({ shards: ['0'] });
  for (const mail of mails) await during(writer.commit(mail));
  const owner = await during(spool.own('0', ownerOptions()));
  await during(readerOf(owner).take(mails.length));
  return owner;
}

const mails = (count: number): readonly MailObject[] =>
  Array.from({ length: count }, () => mailOf(1, randomBytes(2_000)));
const deferral = ({ envelope: { id } }: MailObject): MailRecord => ({
  kind: 'deferred',
  id,
  at: 0,
  recipients: [0],
  attempt: 1,
  until: 3_600_000,
  diagnostic: { status: '4.4.1', text: 'nobody there' },
});
const relayed = ({ envelope: { id } }: MailObject): MailRecord => ({
  kind: 'relayed',
  id,
  at: 0,
  recipients: [0],
  attempt: 1,
});

interface Taken {
  readonly extents: readonly StreamExtent[];
  readonly files: ReadonlyMap<string, readonly LogMessage[]>;
}

/** @param before called when a stream's turn has come */
async function backedUp(before: (stream: string) => Promise<void> = () => Promise.resolve()): Promise<Taken> {
  const files = new Map<string, LogMessage[]>();
  const extents = await during(
    backUpShard({
      log,
      clock,
      shard: '0',
      by: 'spec',
      heldBack: () => Promise.resolve(),
      take: async (stream, messages) => {
        if (!files.has(stream)) await before(stream);
        files.set(stream, [...(files.get(stream) ?? []), ...messages]);
      },
    }),
  );
  return { extents, files };
}

/** Into a new store. @returns what its next owner finds, and how much was put on hold */
async function restored(
  { extents, files }: Taken,
  fault = (text: string): void => expect.fail(text),
): Promise<{ found: SpooledMail[]; owner: ShardOwner; held: number }> {
  const [into, intoSpool] = await newStore();
  for (const extent of extents) {
    async function* messages() {
      yield* await Promise.resolve(files.get(extent.stream) ?? []);
    }
    const setAside = extent.stream === quarantineOf('0');
    await loadStream({
      log: into,
      ...extent,
      ...(setAside ? { stream: quarantineStream } : {}),
      messages: messages(),
      keepsSequences: !setAside && extent.stream !== 'CONTENT-0',
      erase: () => Promise.reject(new Error('nothing is missing')),
      progress: () => undefined,
    });
  }
  const options = { spool: intoSpool, clock, shard: '0', owner: 'restore', reason: 'restored', fault };
  const { held } = await during(holdAll(options));
  const owner = await during(intoSpool.own('0', ownerOptions('after')));
  const found = [...owner.deferred];
  const reader = readerOf(owner);
  while (found.length < held) found.push(await during(reader.next()));
  return { found, owner, held };
}

test('mail in SPOOL, deferred mail and large contents come back on hold, and mail that ended does not', async () => {
  const [waits, deferred, ended] = mails(3) as [MailObject, MailObject, MailObject];
  const large = spool.writer({ shards: ['0'] }).beginLarge(mailOf().envelope.id);
  const content = randomBytes(700_000);
  for (let at = 0; at < content.length; at += 100_000) await large.write(content.subarray(at, at + 100_000));
  const { envelope } = mailOf();
  const big: MailObject = {
    envelope: { ...envelope, sizeInOctets: content.length, large: await during(large.finish()) },
  };
  const owner = await ownerWith([waits, deferred, ended, big]);
  await during(owner.defer(deferred, [deferral(deferred)]));
  await during(owner.record([relayed(ended)]));
  const { found, owner: after, held } = await restored(await backedUp());
  expect(held).toBe(3);
  expect(found.map(({ held: reason }) => reason)).toEqual(['restored', 'restored', 'restored']);
  expect(found.map(({ mail }) => mail.envelope.id).sort()).toEqual(
    [waits, deferred, big].map((mail) => mail.envelope.id).sort(),
  );
  for (const { envelope: one, content: was } of [waits, deferred])
    expect(Buffer.from(await during(after.content(one.id)))).toEqual(Buffer.from(was ?? ''));
});

test('mail that moves, ends and comes while it is read is there once, with its content', async () => {
  const [moves, deferred, ends] = mails(3) as [MailObject, MailObject, MailObject];
  const owner = await ownerWith([moves, deferred, ends]);
  await during(owner.defer(deferred, [deferral(deferred)]));
  await during(owner.defer(ends, [deferral(ends)]));
  const taken = await backedUp(async (stream) => {
    // The owner goes on between the reads, and would remove what has ended.
    if (stream === 'DEFER-0') await during(owner.defer(moves, [deferral(moves)]));
    if (stream === 'DEFER-CONTENT-0') await during(owner.record([relayed(ends)]));
    await clock.advance(6_000);
  });
  const { found, owner: after } = await restored(taken);
  const ids = found.map(({ mail }) => mail.envelope.id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(new Set(ids)).toEqual(new Set([moves, deferred, ends].map(({ envelope }) => envelope.id)));
  for (const { envelope, content } of [moves, deferred, ends])
    expect(Buffer.from(await during(after.content(envelope.id)))).toEqual(Buffer.from(content ?? ''));
});

test('what is set aside comes back set aside, and what was released meanwhile is not lost', async () => {
  const good = mailOf(1, randomBytes(2_000));
  await during(spool.writer({ shards: ['0'] }).commit(good));
  // A segment with a wrong octet in its only mail.
  const [segment] = await log.read('SPOOL-0', subjects.segment('0'), 1, { messages: 1, octets: 1e6 });
  const damaged = Buffer.from(segment!.payload);
  damaged[damaged.length - 1]! ^= 1;
  damaged.writeUInt8(7, 8);
  await log.append(subjects.segment('0'), damaged);
  const owner = await during(spool.own('0', ownerOptions()));
  const reader = readerOf(owner);
  await during(reader.take(1));
  void reader.next().catch(() => undefined);
  await clock.advance(1_000);
  const [record] = owner.quarantined();
  expect(record?.reason).toContain('checksum');
  const octets = await during(owner.quarantinedOctets(record!.key));
  const taken = await backedUp(async (stream) => {
    if (stream !== 'SPOOL-0') return;
    // Dealt with between the reads: then it is in the backup all the same.
    await during(owner.deleteQuarantined(record!.key));
    await clock.advance(6_000);
  });
  expect(taken.files.get('QUARANTINE-0')).toHaveLength(1);
  const faults: string[] = [];
  const { owner: after, held } = await restored(taken, (text) => faults.push(text));
  expect([held, faults]).toEqual([1, [expect.stringContaining('checksum')]]);
  expect(after.quarantined()).toEqual([record]);
  expect(await during(after.quarantinedOctets(record!.key))).toEqual(octets);
});

test('sequences stay: records know the logs by them', async () => {
  const done = mails(4);
  const owner = await ownerWith(done);
  await during(owner.record(done.map(relayed)));
  await clock.advance(5_000);
  const { firstSequence } = await log.state('SPOOL-0');
  expect(firstSequence).toBeGreaterThan(1);
  const { extents, files } = await backedUp();
  expect(extents[0]).toMatchObject({ stream: 'SPOOL-0', firstSequence });
  expect(files.get('SPOOL-0')?.[0]?.sequence).toBe(firstSequence);
  expect((await restored({ extents, files })).held).toBe(0);
});

test('a truncation while it is read: no backup, and nothing is held back after it', async () => {
  await ownerWith(mails(3));
  const cut = backedUp((stream) => (stream === 'DEFER-0' ? log.truncate('SPOOL-0', 3) : Promise.resolve()));
  await expect(cut).rejects.toThrow(BackupFailed);
  expect(await heldBackBy(log, '0')).toBe(0);
});

test('a hold that lapsed while it was read: no backup', async () => {
  await ownerWith(mails(1));
  const lapsed = backedUp(async () => {
    await log.register.delete('backup.0');
    await clock.advance(times.leaseRenewed);
  });
  await expect(lapsed).rejects.toThrow('could not be held back');
});

test('a message that is missing in the middle leaves its place empty', async () => {
  const [into] = await newStore();
  async function* messages() {
    const message = (sequence: number): LogMessage => ({
      sequence,
      subject: subjects.segment('0'),
      payload: Buffer.from(String(sequence)),
    });
    yield* await Promise.resolve([message(5), message(8)]);
  }
  const erased: number[] = [];
  const extent = { stream: 'SPOOL-0', firstSequence: 5, lastSequence: 8 };
  const common = { log: into, ...extent, keepsSequences: true, progress: () => undefined };
  const erase = (_: string, sequence: number): Promise<void> => {
    erased.push(sequence);
    return Promise.resolve();
  };
  expect(await loadStream({ ...common, messages: messages(), erase })).toBe(2);
  expect(erased).toEqual([6, 7]);
  expect(Buffer.from((await into.at('SPOOL-0', 8))?.payload ?? '').toString()).toBe('8');
});

test('somebody else writes, no room, a cut end: it fails and says why', async () => {
  const extent = { stream: 'SPOOL-0', firstSequence: 1, lastSequence: 3 };
  async function* one(octets = 10) {
    yield await Promise.resolve({
      sequence: 1,
      subject: subjects.segment('0'),
      payload: randomBytes(octets),
    });
  }
  const common = {
    ...extent,
    keepsSequences: true,
    progress: () => undefined,
    erase: () => Promise.resolve(),
  };
  const [into] = await newStore();
  await into.append(subjects.segment('0'), Buffer.from('other'));
  await expect(loadStream({ ...common, log: into, messages: one() })).rejects.toThrow('somebody else');
  const [cut] = await newStore();
  await expect(loadStream({ ...common, log: cut, messages: one() })).rejects.toThrow('is cut');
  const small = new MemoryLog(new MemoryStore(), 1024, clock);
  await small.prepare(['0']);
  const full = loadStream({ ...common, log: small, messages: one(2_000) });
  await expect(full).rejects.toThrow(RestoreFailed);
  await expect(full).rejects.toThrow('raise spool.max_size');
});

test('another owner comes while mail is put on hold: it is not taken for done', async () => {
  const owner = await ownerWith(mails(2));
  await owner.close();
  const holding = holdAll({
    spool: {
      ...spool,
      own: async (shard, options) => {
        const own = await spool.own(shard, options);
        await spool.own(shard, ownerOptions('another'));
        return own;
      },
    },
    clock,
    shard: '0',
    owner: 'restore',
    reason: 'restored',
    fault: () => undefined,
  });
  await expect(during(holding)).rejects.toThrow(Fenced);
});
