import { beforeEach, expect, test } from 'vitest';
import { manualClock, type ManualClock } from '@postrider/actor';
import { FencedWriter } from './fenced-writer.js';
import { decodeBundle, type LogEntry } from './record-frame.js';
import { MemoryLog, MemoryStore } from './memory.js';
import { ScriptedLog, type Script } from './spec/scripted-log.js';
import { Fenced } from './spool.js';

const [stream, subject] = ['SPOOL-a', 'mta.v1.spool.a.outcome'];
let log: ScriptedLog;
let clock: ManualClock;
let fences: string[];
let durable: string[];
let owners = 0;
/** What is under way settles first, so that it has set its timers. */
const pass = async (time: number): Promise<void> => {
  await clock.advance(0);
  await clock.advance(time);
};

const entry = (id: string): LogEntry => ({ entry: 'record', record: { kind: 'retry', id, at: 0 } });
const idOf = (found: LogEntry): string => (found.entry === 'record' ? found.record.id : found.entry);
const writer = (limit = 1_000_000): FencedWriter =>
  new FencedWriter({
    log,
    clock,
    stream,
    subject,
    owner: `owner ${owners}`,
    ownership: String(owners++),
    limit,
    durable: (found) => durable.push(idOf(found)),
    fenced: (reason) => fences.push(reason),
  });
const bundles = async (): Promise<readonly (readonly string[])[]> =>
  (await log.read(stream, subject, 1, { messages: 1_000, octets: 1e9 })).map(({ payload }) =>
    decodeBundle(payload).entries.map(idOf),
  );

beforeEach(async () => {
  log = new ScriptedLog(new MemoryLog(new MemoryStore(), 1e9));
  clock = manualClock();
  [fences, durable] = [[], []];
  await log.prepare(['a']);
});

test('one in flight; what is written meanwhile is the next bundle, in the order of calls', async () => {
  const one = writer();
  await one.open();
  await Promise.all(['a', 'b', 'c', 'd'].map((id) => one.write([entry(id)])));
  expect(await bundles()).toEqual([['epoch'], ['a'], ['b', 'c', 'd']]);
  expect(durable).toEqual(['a', 'b', 'c', 'd']);
  expect([one.waiting, one.unwrittenFor()]).toEqual([0, 0]);
});

test('a call with more than a message holds goes as several', async () => {
  const one = writer(2_000);
  await one.open();
  await one.write(Array.from({ length: 9 }, (_, n) => entry(String(n))));
  expect((await bundles()).slice(1).map((ids) => ids.length)).toEqual([3, 3, 3]);
});

test('flushed waits for what was written before, and writes nothing', async () => {
  const one = writer();
  await one.open();
  await one.flushed();
  void one.write([entry('a')]);
  void one.write([entry('b')]);
  await one.flushed();
  expect(durable).toEqual(['a', 'b']);
  expect(await bundles()).toHaveLength(3);
});

test.each<[what: string, script: Script[]]>([
  ['the acknowledgement is lost', ['lost']],
  ['it is lost on its way', ['dropped']],
  ['it is refused for now', ['away', 'full', 'other']],
  ['all of that', ['dropped', 'away', 'lost']],
])('%s: written once', async (_, script) => {
  const one = writer();
  await one.open();
  log.script = script;
  const written = one.write([entry('a')]);
  await pass(100);
  if (script.length > 1) expect(one.unwrittenFor()).toBe(100);
  await pass(900);
  await written;
  await one.write([entry('b')]);
  expect(await bundles()).toEqual([['epoch'], ['a'], ['b']]);
  expect(fences).toEqual([]);
});

test('a late landing is found, and does not land again', async () => {
  const one = writer();
  await one.open();
  log.script = ['late', 'dropped'];
  const written = one.write([entry('a')]);
  await pass(300);
  await log.land();
  await pass(250);
  await written;
  expect(await bundles()).toEqual([['epoch'], ['a']]);
});

test('the epoch record itself may be lost, late, or overtaken', async () => {
  log.script = ['lost'];
  const one = writer();
  await one.open();
  expect(one.epoch).toBe(1);
  log.script = ['dropped', 'dropped'];
  const two = writer();
  const opening = two.open();
  await pass(500);
  await opening;
  expect(two.epoch).toBe(2);
  log.always.set('.outcome', 'away');
  const refused = expect(writer().open()).rejects.toThrow('takes no epoch record');
  await pass(2_000);
  await refused;
});

test('after another has opened, nothing is written and the owner is told, once', async () => {
  const [one, two] = [writer(), writer()];
  await one.open();
  await two.open();
  await expect(one.write([entry('a')])).rejects.toThrow(Fenced);
  await expect(one.write([entry('b')])).rejects.toThrow(Fenced);
  expect(fences).toHaveLength(1);
  await two.write([entry('c')]);
  expect(await bundles()).toEqual([['epoch'], ['epoch'], ['c']]);
});

test('what an old owner has under way lands before the new epoch, or not at all', async () => {
  const [one, two] = [writer(), writer()];
  await one.open();
  log.script = ['late'];
  const written = one.write([entry('a')]).catch((error: unknown) => error);
  await pass(100);
  await two.open();
  expect(await log.land()).toMatchObject([{ result: 'refused', reason: 'stale' }]);
  await pass(250);
  expect(await written).toBeInstanceOf(Fenced);
  expect(await bundles()).toEqual([['epoch'], ['epoch']]);
});

test('what is too large for a message is refused alone', async () => {
  const one = writer();
  await one.open();
  const large: LogEntry = {
    entry: 'record',
    record: { kind: 'hold', id: 'x', at: 0, reason: 'x'.repeat(2_000_000) },
  };
  await expect(one.write([large])).rejects.toThrow('a message takes 1048576');
  await one.write([entry('a')]);
  expect(await bundles()).toEqual([['epoch'], ['a']]);
});
