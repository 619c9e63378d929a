import { beforeEach, expect, test } from 'vitest';
import { randomBytes } from 'node:crypto';
import { manualClock, type ManualClock } from '@postrider/actor';
import type { MailId, MailObject, MailRecord } from '@postrider/mail';
import { MemoryLog, MemoryStore } from './memory.js';
import { spoolOver } from './open.js';
import { mailOf, ownerOptions, readerOf } from './spec/backends.js';
import { ScriptedLog } from './spec/scripted-log.js';
import { Fenced, type ShardOwner, type Spool } from './spool.js';

let clock: ManualClock;
let memory: MemoryLog;
let log: ScriptedLog;
let spool: Spool;

const roomInOctets = 2 * 1024 * 1024;
/** Of DEFER-CONTENT: see names.ts. */
const deferContentRoom = roomInOctets * 0.25;

beforeEach(async () => {
  clock = manualClock();
  memory = new MemoryLog(new MemoryStore(), roomInOctets, clock);
  log = new ScriptedLog(memory);
  spool = spoolOver(log, { clock, giveUpAfter: 8_000, cleanedOver: 50_000 });
  await spool.prepare(['0']);
});

async function during<T>(promise: Promise<T>): Promise<T> {
  const state = { settled: false };
  const mark = (): void => void (state.settled = true);
  promise.then(mark, mark);
  for (let n = 0; n < 1_000 && !state.settled; n++) await clock.advance(10);
  return promise;
}

async function commit(mails: readonly MailObject[]): Promise<void> {
  const writer = spool.writer({ shards: ['0'] });
  await during(Promise.all(mails.map((mail) => writer.commit(mail))));
}

/** An owner that has read them, and waits for more. */
async function ownerWith(mails: readonly MailObject[]): Promise<ShardOwner> {
  await commit(mails);
  const owner = await during(spool.own('0', ownerOptions()));
  const reader = readerOf(owner);
  await reader.take(mails.length);
  const goOn = (): Promise<unknown> => reader.next().then(goOn, () => undefined);
  void goOn();
  return owner;
}

const mailsOf = (count: number, octets: number): readonly MailObject[] =>
  Array.from({ length: count }, () => mailOf(1, randomBytes(octets)));
const finalOf = ({ envelope: { id } }: MailObject): MailRecord => ({
  kind: 'relayed',
  id,
  at: 0,
  recipients: [0],
  attempt: 1,
});
const idsOf = (mails: readonly MailObject[]): readonly MailId[] => mails.map(({ envelope }) => envelope.id);
const keepHouse = (): Promise<void> => clock.advance(5_100);

test('mail that pins the log for five minutes, or has a tenth of its room behind it, is to be moved', async () => {
  const [old, ...young] = mailsOf(4, 1_000);
  const owner = await ownerWith([old!]);
  const pinned: (readonly MailId[])[] = [];
  owner.onPinned((ids) => pinned.push(ids));
  await clock.advance(200_000);
  await commit(young);
  await clock.advance(95_000);
  expect(pinned).toEqual([]);
  await keepHouse();
  await keepHouse();
  expect(pinned.at(-1)).toEqual(idsOf([old!]));
  await during(owner.record([old!, ...young].map(finalOf)));

  const [first, ...others] = mailsOf(9, 30_000);
  await commit([first!]);
  for (const mail of others) await commit([mail]);
  await clock.advance(300);
  await during(owner.record(others.map(finalOf)));
  pinned.length = 0;
  await keepHouse();
  expect(pinned).toEqual([idsOf([first!])]);
  await during(owner.close());
});

test('DEFER is cleaned: what is left of it is written again, and the rest is truncated', async () => {
  const mails = mailsOf(20, 10_000);
  const owner = await ownerWith(mails);
  await during(Promise.all(mails.map((mail) => owner.defer(mail, []))));
  const left = mails.filter((_, n) => n % 5 === 0);
  await during(owner.record(mails.filter((mail) => !left.includes(mail)).map(finalOf)));
  await keepHouse();
  await keepHouse();
  expect((await log.state('DEFER-CONTENT-0')).octets).toBeLessThan(50_000);
  for (const { envelope, content } of left)
    expect(Buffer.from(content ?? []).equals(await owner.content(envelope.id))).toBe(true);
  await during(owner.close());
  const next = await during(spool.own('0', ownerOptions()));
  expect([...next.deferred].map(({ mail }) => mail.envelope.id)).toEqual(idsOf(left));
  for (const { envelope, content } of left)
    expect(Buffer.from(content ?? []).equals(await next.content(envelope.id))).toBe(true);
  await during(next.close());
});

test('states alone are cleaned without copying contents', async () => {
  const mails = mailsOf(3, 10);
  const owner = await ownerWith(mails);
  await during(Promise.all(mails.map((mail) => owner.defer(mail, []))));
  const before = await log.state('DEFER-CONTENT-0');
  const diagnostic = { status: '4.0.0', text: 'x'.repeat(400) };
  for (let attempt = 1; attempt <= 60; attempt++)
    await during(
      owner.record(
        mails.map(({ envelope: { id } }) => ({
          kind: 'deferred',
          id,
          at: 0,
          recipients: [0],
          attempt,
          until: 1,
          diagnostic,
        })),
      ),
    );
  expect((await log.state('DEFER-0')).octets).toBeGreaterThan(50_000);
  await keepHouse();
  await keepHouse();
  expect((await log.state('DEFER-0')).octets).toBeLessThan(10_000);
  expect(await log.state('DEFER-CONTENT-0')).toEqual(before);
  await during(owner.close());
  const next = await during(spool.own('0', ownerOptions()));
  expect([...next.deferred].map(({ open }) => open[0]?.attempts)).toEqual([60, 60, 60]);
  await during(next.close());
});

test('with DEFER full mail stays in SPOOL, with its records, and can be read from there', async () => {
  const mails = mailsOf(3, 10_000);
  const owner = await ownerWith(mails);
  const later = ({ envelope: { id } }: MailObject): MailRecord => ({
    kind: 'deferred',
    id,
    at: 0,
    recipients: [0],
    attempt: 4,
    until: 9,
    diagnostic: { status: '4.0.0', text: 'later' },
  });
  // Refused by the stream itself.
  log.always.set('mta.v1.defer.0.content', 'full');
  await during(owner.defer(mails[0]!, [later(mails[0]!)]));
  log.always.clear();
  // Seen by housekeeping.
  await log.append('mta.v1.defer.0.content', Buffer.alloc(deferContentRoom * 0.9));
  await keepHouse();
  await during(owner.defer(mails[1]!, [later(mails[1]!)]));
  expect(owner.figures()).toMatchObject({ liveMails: 3, deferredMails: 0 });
  for (const { envelope, content } of mails)
    expect(Buffer.from(content ?? []).equals(await owner.content(envelope.id))).toBe(true);
  await during(owner.close());
  const next = await during(spool.own('0', ownerOptions()));
  const found = await readerOf(next).take(3);
  expect(found.map(({ open }) => open[0]?.attempts)).toEqual([4, 4, 0]);
  await during(next.close());
});

test('an owner that writes nothing hears within seconds that another has taken over', async () => {
  const options = ownerOptions('idle');
  const idle = await during(spool.own('0', options));
  const other = await during(spool.own('0', ownerOptions('other')));
  await keepHouse();
  expect(options.lostBecause).toEqual(['other has taken over SPOOL-0']);
  await expect(idle.record([])).rejects.toThrow('taken over');
  await during(other.close());
});

test('an owner of yesterday whose content lands behind those of its successor truncates none of them', async () => {
  const [its, late] = mailsOf(2, 1_000);
  const yesterday = await ownerWith([its!, late!]);
  await during(yesterday.defer(its!, []));
  await during(yesterday.record([finalOf(its!)]));

  // Its housekeeping has seen that the shard is its own, and is paused there.
  const state = log.state.bind(log);
  let goOn: () => void = () => undefined;
  const paused = new Promise<void>((resolve) => (goOn = resolve));
  log.state = (stream) => paused.then(() => state(stream));
  await keepHouse();

  const spoolOfSuccessor = spoolOver(new ScriptedLog(memory), { clock, giveUpAfter: 8_000 });
  const successor = await during(spoolOfSuccessor.own('0', ownerOptions()));
  await readerOf(successor).take(1);
  await during(successor.defer(late!, []));

  // A content is not fenced; of the put behind it there is no news yet.
  log.always.set('defer.0.state', 'silent');
  const fenced = yesterday.defer(late!, []).catch((error: unknown) => error);
  await clock.advance(100);
  goOn();
  // Time for all of its calls.
  for (let n = 0; n < 50; n++) await clock.advance(1);

  const content = await during(successor.content(late!.envelope.id));
  expect(Buffer.from(content).equals(Buffer.from(late!.content!))).toBe(true);
  log.always.clear();
  log.answer();
  expect(await during(fenced)).toBeInstanceOf(Fenced);
  await during(successor.close());
});
