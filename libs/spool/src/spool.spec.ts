import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FinalRecord, MailObject, MailRecord } from '@postrider/mail';
import { jetStreamBackend, mailOf, memoryBackend, ownerOptions, readerOf } from './spec/backends.js';
import { Fenced, type CommitResult, type ShardOwner, type Spool } from './spool.js';

const temporary = { status: '4.2.0', text: '451 4.2.0 later' };
const fine = { status: '2.0.0', text: '250 2.0.0 Ok' };

const finalOf = (
  { envelope: { id } }: MailObject,
  recipients: readonly number[],
  born?: MailObject,
): FinalRecord => ({
  kind: born ? 'failed' : 'relayed',
  id,
  at: 1,
  recipients,
  attempt: 1,
  diagnostic: fine,
  ...(born ? { born: [born] } : {}),
});
const deferredOf = (
  { envelope: { id } }: MailObject,
  recipients: readonly number[],
  attempt = 1,
): MailRecord => ({
  kind: 'deferred',
  id,
  at: 1,
  recipients,
  attempt,
  until: 1_000 * attempt,
  diagnostic: temporary,
});

describe.each([memoryBackend(), jetStreamBackend()])('a spool over $name', (backend) => {
  let spool: Spool;
  let shards = 0;
  /** Each test has a shard of its own. */
  const newShard = async (): Promise<string> => {
    const shard = `s${shards++}`;
    await spool.prepare([shard]);
    return shard;
  };
  const commitAll = async (shard: string, mails: readonly MailObject[]): Promise<readonly CommitResult[]> => {
    const writer = spool.writer({ shards: [shard] });
    return Promise.all(mails.map((mail) => writer.commit(mail)));
  };
  const idsOf = (mails: readonly { readonly mail: MailObject }[]): readonly string[] =>
    mails.map(({ mail }) => mail.envelope.id);
  const takeOver = async (shard: string, last?: ShardOwner): Promise<ShardOwner> => {
    await last?.close();
    return spool.own(shard, ownerOptions());
  };

  beforeAll(async () => {
    await backend.start();
    spool = await backend.spool();
  });
  afterAll(async () => {
    await spool.close();
    await backend.stop();
  });

  test('mail that is committed comes to the owner, whole and in order', async () => {
    const shard = await newShard();
    const mails = [
      mailOf(1, Buffer.from('one\r\n')),
      mailOf(3, Buffer.alloc(200_000, 'x')),
      mailOf(1, Buffer.alloc(0)),
    ];
    const results = await commitAll(shard, mails);
    expect(results.map(({ result }) => result)).toEqual(['committed', 'committed', 'committed']);
    const owner = await takeOver(shard);
    const found = await readerOf(owner).take(3);
    expect(found.map(({ mail }) => mail.envelope)).toEqual(mails.map(({ envelope }) => envelope));
    found.forEach(({ mail }, n) =>
      expect(Buffer.from(mail.content ?? []).equals(mails[n]?.content ?? Buffer.alloc(1))).toBe(true),
    );
    expect(found[1]?.open.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(found.every(({ replayed, place }) => replayed && place === 'spool')).toBe(true);
    await owner.close();
  });

  test('all that commits while a segment is in flight shares the next one', async () => {
    const shard = await newShard();
    const segments: number[] = [];
    const writer = spool.writer({ shards: [shard], committed: (_, __, mails) => segments.push(mails) });
    await Promise.all(Array.from({ length: 50 }, () => writer.commit(mailOf())));
    expect(segments).toEqual([1, 49]);
    expect(writer.figures()).toMatchObject({
      segments: 2,
      segmentMails: 50,
      waitingForCommit: 0,
      segmentInOctets: { count: 2 },
      commitInSeconds: { count: 2 },
    });
    await writer.drained();
  });

  test('the tail follows, woken by a hint', async () => {
    const shard = await newShard();
    const owner = await takeOver(shard);
    const reader = readerOf(owner);
    const writer = spool.writer({ shards: [shard], committed: () => owner.wake() });
    for (let n = 0; n < 3; n++) {
      const mail = mailOf();
      const next = reader.next();
      await writer.commit(mail);
      const found = await next;
      expect([found.mail.envelope.id, found.replayed]).toEqual([mail.envelope.id, false]);
    }
    await owner.close();
  });

  test('a final record for each recipient ends a mail; the next owner hears of the rest only', async () => {
    const shard = await newShard();
    const [done, half, none] = [mailOf(2), mailOf(2), mailOf(1)];
    await commitAll(shard, [done, half, none]);
    const first = await takeOver(shard);
    await readerOf(first).take(3);
    await Promise.all([
      first.record([finalOf(done, [0]), finalOf(half, [1])]),
      first.record([finalOf(done, [1])]),
    ]);
    await first.record([deferredOf(none, [0], 3)]);
    const second = await takeOver(shard, first);
    const found = await readerOf(second).take(2);
    expect(idsOf(found)).toEqual([half.envelope.id, none.envelope.id]);
    expect(found[0]?.open).toEqual([{ index: 0, attempts: 0, until: 0, unknowns: 0 }]);
    expect(found[1]?.open).toEqual([
      { index: 0, attempts: 3, until: 3_000, unknowns: 0, diagnostic: temporary },
    ]);
    await second.close();
  });

  test('an owner of yesterday can write nothing more', async () => {
    const shard = await newShard();
    const mail = mailOf();
    await commitAll(shard, [mail]);
    const options = ownerOptions('old');
    const old = await spool.own(shard, options);
    await readerOf(old).take(1);
    const now = await spool.own(shard, ownerOptions('new'));
    expect(now.epoch).toBeGreaterThan(old.epoch);
    await expect(old.record([finalOf(mail, [0])])).rejects.toThrow(Fenced);
    await expect(old.defer(mail, [])).rejects.toThrow(Fenced);
    expect(options.lostBecause).toHaveLength(1);
    expect(idsOf(await readerOf(now).take(1))).toEqual([mail.envelope.id]);
    await now.close();
  });

  test('mail born of a record is live once the record is, and again after a takeover', async () => {
    const shard = await newShard();
    const [mail, bounce] = [mailOf(), mailOf()];
    await commitAll(shard, [mail]);
    const first = await takeOver(shard);
    const reader = readerOf(first);
    await reader.next();
    await first.record([finalOf(mail, [0], bounce)]);
    const born = await reader.next();
    expect([born.mail.envelope.id, born.replayed, born.place]).toEqual([bounce.envelope.id, false, 'spool']);
    const second = await takeOver(shard, first);
    const again = await readerOf(second).next();
    expect([again.mail.envelope.id, again.replayed]).toEqual([bounce.envelope.id, true]);
    expect(Buffer.from(again.mail.content ?? [])).toEqual(bounce.content);
    await second.record([finalOf(bounce, [0])]);
    const third = await takeOver(shard, second);
    expect(third.figures()['liveMails']).toBe(0);
    await third.close();
  });

  test('a second final record for a recipient counts for nothing, nor does what it bears', async () => {
    const shard = await newShard();
    const [mail, bounce] = [mailOf(2), mailOf()];
    await commitAll(shard, [mail]);
    const first = await takeOver(shard);
    await readerOf(first).take(1);
    await Promise.all([first.record([finalOf(mail, [0])]), first.record([finalOf(mail, [0], bounce)])]);
    expect(first.figures()['liveMails']).toBe(1);
    const second = await takeOver(shard, first);
    expect(idsOf(await readerOf(second).take(1))).toEqual([mail.envelope.id]);
    expect(second.figures()['liveMails']).toBe(1);
    await second.close();
  });

  test('a deferred mail is found without its content, which is read when asked for', async () => {
    const shard = await newShard();
    const mails = Array.from({ length: 40 }, (_, n) =>
      mailOf(2, Buffer.alloc(9_000, String.fromCharCode(65 + n))),
    );
    await commitAll(shard, mails);
    const first = await takeOver(shard);
    await readerOf(first).take(40);
    // What was recorded in SPOOL goes along.
    await first.record(mails.map((mail) => deferredOf(mail, [1], 2)));
    await Promise.all(mails.map((mail) => first.defer(mail, [deferredOf(mail, [0])])));
    expect(first.figures()).toMatchObject({ liveMails: 40, deferredMails: 40 });
    const read = async (owner: ShardOwner): Promise<void> => {
      for (const { envelope, content } of mails)
        expect(Buffer.from(content ?? []).equals(await owner.content(envelope.id))).toBe(true);
    };
    await read(first);
    const second = await takeOver(shard, first);
    const found = [...second.deferred];
    expect([...idsOf(found)].sort()).toEqual(mails.map(({ envelope }) => envelope.id).sort());
    expect(found[0]).toMatchObject({ place: 'defer', replayed: true });
    expect(found[0]?.mail.content).toBeUndefined();
    expect(found[0]?.open.map(({ attempts }) => attempts)).toEqual([1, 2]);
    await read(second);
    // Records about them go to DEFER.
    const [one, ...others] = mails;
    await second.record(others.map((mail) => finalOf(mail, [0, 1])));
    await second.record([deferredOf(one!, [0, 1], 7)]);
    const third = await takeOver(shard, second);
    const left = [...third.deferred];
    expect(idsOf(left)).toEqual([one!.envelope.id]);
    expect(left[0]?.open.map(({ attempts }) => attempts)).toEqual([7, 7]);
    await third.close();
  });

  test('a mail on its way to DEFER loses no record', async () => {
    const shard = await newShard();
    const mail = mailOf(3);
    await commitAll(shard, [mail]);
    const first = await takeOver(shard);
    await readerOf(first).take(1);
    // Before, with and after the move, none of them waited for.
    await Promise.all([
      first.record([finalOf(mail, [0])]),
      first.defer(mail, [deferredOf(mail, [1, 2])]),
      first.record([finalOf(mail, [1])]),
    ]);
    const second = await takeOver(shard, first);
    expect([...second.deferred].map(({ open }) => open.map(({ index }) => index))).toEqual([[2]]);
    await second.record([finalOf(mail, [2])]);
    expect(second.figures()['liveMails']).toBe(0);
    await second.close();
  });

  test('mail born of a record in DEFER lives there, and ends', async () => {
    const shard = await newShard();
    const [mail, warning, bounce] = [mailOf(), mailOf(1, Buffer.from('warning\r\n')), mailOf()];
    await commitAll(shard, [mail]);
    const first = await takeOver(shard);
    const reader = readerOf(first);
    await reader.next();
    await first.defer(mail, [{ ...deferredOf(mail, [0]), born: [warning] } as MailRecord]);
    expect((await reader.next()).mail.envelope.id).toBe(warning.envelope.id);
    await first.defer(warning, [deferredOf(warning, [0])]);
    expect(Buffer.from(await first.content(warning.envelope.id)).toString()).toBe('warning\r\n');
    const second = await takeOver(shard, first);
    expect([...idsOf([...second.deferred])].sort()).toEqual([mail.envelope.id, warning.envelope.id].sort());
    expect(Buffer.from(await second.content(warning.envelope.id)).toString()).toBe('warning\r\n');
    await second.record([finalOf(warning, [0]), finalOf(mail, [0], bounce)]);
    expect((await readerOf(second).next()).mail.envelope.id).toBe(bounce.envelope.id);
    await second.record([finalOf(bounce, [0])]);
    const third = await takeOver(shard, second);
    expect(third.figures()['liveMails']).toBe(0);
    await third.close();
  });

  test('held stays held, over a move and a takeover, until it is released', async () => {
    const shard = await newShard();
    const mail = mailOf();
    const { id } = mail.envelope;
    await commitAll(shard, [mail]);
    const first = await takeOver(shard);
    await readerOf(first).take(1);
    await first.record([{ kind: 'hold', id, at: 1, reason: 'looked at' }]);
    const second = await takeOver(shard, first);
    expect((await readerOf(second).next()).held).toBe('looked at');
    await second.defer(mail, []);
    const third = await takeOver(shard, second);
    expect([...third.deferred][0]?.held).toBe('looked at');
    await third.record([{ kind: 'release', id, at: 1 }]);
    const fourth = await takeOver(shard, third);
    expect([...fourth.deferred][0]?.held).toBeUndefined();
    await fourth.record([{ kind: 'delete', id, at: 1, by: 'postmaster' }]);
    expect(fourth.figures()['liveMails']).toBe(0);
    await fourth.close();
  });

  test('a segment that landed twice is given out once', async () => {
    const shard = await newShard();
    const log = await backend.log();
    const [mail, other] = [mailOf(), mailOf()];
    await commitAll(shard, [mail]);
    const [segment] = await log.read(`SPOOL-${shard}`, `mta.v1.spool.${shard}.segment`, 1, {
      messages: 1,
      octets: 1e6,
    });
    await log.append(`mta.v1.spool.${shard}.segment`, segment!.payload);
    await commitAll(shard, [other]);
    const owner = await takeOver(shard);
    expect(idsOf(await readerOf(owner).take(2))).toEqual([mail.envelope.id, other.envelope.id]);
    await owner.close();
    await log.close();
  });

  test('a damaged mail is reported and kept, and those beside it go on', async () => {
    const shard = await newShard();
    const log = await backend.log();
    const subject = `mta.v1.spool.${shard}.segment`;
    const [lost, beside, after] = [mailOf(1, Buffer.from('AAAAAAAAAA')), mailOf(), mailOf()];
    const other = `${shard}x`;
    await spool.prepare([other]);
    const writer = spool.writer({ shards: [other] });
    await Promise.all([writer.commit(mailOf()), writer.commit(lost), writer.commit(beside)]);
    const copies = await log.read(`SPOOL-${other}`, `mta.v1.spool.${other}.segment`, 2, {
      messages: 1,
      octets: 1e6,
    });
    const damaged = Buffer.from(copies[0]!.payload);
    damaged.write('B', damaged.indexOf('AAAAAAAAAA'));
    await log.append(subject, damaged);
    await log.append(subject, Buffer.from('nonsense'));
    await commitAll(shard, [after]);
    const options = ownerOptions();
    const owner = await spool.own(shard, options);
    expect(idsOf(await readerOf(owner).take(2))).toEqual([beside.envelope.id, after.envelope.id]);
    expect(options.faults).toHaveLength(2);
    await owner.record([finalOf(beside, [0]), finalOf(after, [0])]);
    // Copies of both are kept, and so they pin the log no longer.
    await expect.poll(() => owner.quarantined().length).toBe(2);
    await owner.close();
    expect((await log.state(`SPOOL-${shard}`)).firstSequence).toBeGreaterThan(2);
    await log.close();
  });

  test('a newer format is given back, not guessed at', async () => {
    const shard = await newShard();
    const log = await backend.log();
    const newer = Buffer.alloc(64);
    newer.write('PRSG');
    newer.writeUInt8(9, 4);
    await log.append(`mta.v1.spool.${shard}.segment`, newer);
    const options = ownerOptions();
    const owner = await spool.own(shard, options);
    await expect(readerOf(owner).next()).rejects.toThrow('no more mail');
    expect(options.lostBecause).toEqual(['frame version 9; this process knows 1']);
    await log.close();
  });

  test('a log whose mail is done is truncated, and the next owner finds its way', async () => {
    const shard = await newShard();
    const log = await backend.log();
    const mails = Array.from({ length: 20 }, () => mailOf(1, Buffer.alloc(20_000, 'x')));
    await commitAll(shard, mails);
    let owner = await takeOver(shard);
    await readerOf(owner).take(20);
    const last = mails.at(-1)!;
    await Promise.all(mails.slice(0, 10).map((mail) => owner.defer(mail, [])));
    await owner.record(mails.slice(0, -1).map((mail) => finalOf(mail, [0])));
    owner = await takeOver(shard, owner);
    const sizes = async (): Promise<readonly number[]> =>
      Promise.all(
        ['SPOOL', 'DEFER', 'DEFER-CONTENT'].map(async (name) => (await log.state(`${name}-${shard}`)).octets),
      );
    const [spoolOctets, , contentOctets] = await sizes();
    expect(spoolOctets).toBeGreaterThan(20_000);
    expect(contentOctets).toBe(0);
    const reader = readerOf(owner);
    expect((await reader.next()).mail.envelope.id).toBe(last.envelope.id);
    // What follows is asked for: until then its segment is in hand.
    const ended = expect(reader.next()).rejects.toThrow('no more mail');
    await owner.record([finalOf(last, [0])]);
    await owner.close();
    await ended;
    for (const octets of await sizes()) expect(octets).toBeLessThan(8_000);
    owner = await takeOver(shard);
    const fresh = mailOf();
    await commitAll(shard, [fresh]);
    expect(idsOf(await readerOf(owner).take(1))).toEqual([fresh.envelope.id]);
    await owner.close();
    await log.close();
  });
});
