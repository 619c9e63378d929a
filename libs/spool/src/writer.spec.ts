import { beforeEach, describe, expect, test } from 'vitest';
import { manualClock, type ManualClock } from '@postrider/actor';
import { mailOf } from './spec/backends.js';
import { MemoryLog, MemoryStore } from './memory.js';
import { ScriptedLog, type Script } from './spec/scripted-log.js';
import type { CommitResult } from './spool.js';
import { SegmentWriter } from './writer.js';

let log: ScriptedLog;
let clock: ManualClock;
const writerFor = (shards: readonly string[]): SegmentWriter =>
  new SegmentWriter({ log, clock, giveUpAfter: 8_000 }, { shards });
const segmentsIn = async (shard: string): Promise<number> =>
  (await log.read(`SPOOL-${shard}`, `mta.v1.spool.${shard}.segment`, 1, { messages: 100, octets: 1e9 }))
    .length;
/** What is under way settles first, so that it has set its timers. */
const pass = async (time: number): Promise<void> => {
  await clock.advance(0);
  await clock.advance(time);
};
/** What has come of a promise so far. */
const watched = (promise: Promise<CommitResult>): (() => CommitResult['result'] | 'waiting') => {
  let state: CommitResult['result'] | 'waiting' = 'waiting';
  void promise.then(({ result }) => (state = result));
  return () => state;
};

beforeEach(async () => {
  log = new ScriptedLog(new MemoryLog(new MemoryStore(), 1e9));
  clock = manualClock();
  await log.prepare(['a', 'b']);
});

describe('one shard', () => {
  test.each<
    [what: string, script: Script[], after: number, outcome: [CommitResult['result'], stored: number]]
  >([
    ['all is well', [], 0, ['committed', 1]],
    ['the acknowledgement is lost: the second try is a duplicate', ['lost'], 250, ['committed', 1]],
    ['the first try is lost on its way', ['dropped', 'dropped'], 500, ['committed', 1]],
    ['after unknown, refused says nothing', ['lost', 'away', 'full', 'other'], 1_000, ['committed', 1]],
    ['nobody takes writes', ['away'], 0, ['unavailable', 0]],
    ['the stream is at its limit', ['full'], 0, ['full', 0]],
    ["the server's disk is full", ['no space'], 0, ['unknown', 0]],
    ['refused for another reason', ['other'], 0, ['unavailable', 0]],
    ['a duplicate that never was published is a fault', ['duplicate'], 0, ['unavailable', 0]],
  ])('%s', async (_, script, after, outcome) => {
    log.script = script;
    const committed = watched(writerFor(['a']).commit(mailOf()));
    await pass(after);
    expect([committed(), await segmentsIn('a')]).toEqual(outcome);
  });

  test.each<[string, Script[], number]>([
    ['refused', ['away'], 0],
    ['of unknown fate and given up', Array.from({ length: 40 }, () => 'dropped'), 9_000],
    ['unknown since the disk is full', ['no space'], 0],
  ])('the octets of a segment that was %s never change: they may still go out', async (_, script, after) => {
    log.script = script;
    const appended: { readonly payload: Uint8Array; readonly then: Buffer }[] = [];
    const append = log.append.bind(log);
    log.append = (subject, payload, options) => {
      appended.push({ payload, then: Buffer.from(payload) });
      return append(subject, payload, options);
    };
    const writer = writerFor(['a']);
    const committed = watched(writer.commit(mailOf()));
    await pass(after);
    expect(committed()).not.toBe('committed');
    log.script = [];
    await pass(2_000);
    const next = watched(writer.commit(mailOf()));
    await pass(0);
    expect(next()).toBe('committed');
    expect(appended.length).toBeGreaterThan(1);
    for (const { payload, then } of appended) expect(then.equals(payload)).toBe(true);
  });

  test('the server says that its disk is full: so is told, and room says full', async () => {
    log.script = ['no space'];
    const writer = writerFor(['a']);
    expect(await writer.commit(mailOf())).toMatchObject({ result: 'unknown', diskFull: true });
    expect(writer.room()).toBe('full');
  });

  test('silent because the disk is full: told within seconds, and room says full', async () => {
    log.always.set('.segment', 'silent');
    let free = true;
    const disk = {
      low: false,
      look: () => {
        disk.low = !free;
        return Promise.resolve();
      },
      prove: () => disk.look(),
    };
    const writer = new SegmentWriter({ log, clock, giveUpAfter: 8_000, disk }, { shards: ['a'] });
    const committed = writer.commit(mailOf());
    const state = watched(committed);
    free = false;
    await pass(1_000);
    const behind = writer.commit(mailOf());
    await pass(2_000);
    expect(state()).toBe('unknown');
    expect(await committed).toMatchObject({ diskFull: true });
    expect(await behind).toEqual({ result: 'full' });
    expect(writer.room()).toBe('full');
    free = true;
    log.always.clear();
    await pass(1_000);
    writer.room();
    await pass(0);
    expect(writer.room()).toBe('ok');
    expect(await writer.commit(mailOf())).toMatchObject({ result: 'committed' });
  });

  test('a segment is retried with its own id, and given up after 8 s as unknown', async () => {
    log.always.set('.segment', 'dropped');
    const writer = writerFor(['a']);
    const committed = watched(writer.commit(mailOf()));
    await pass(7_000);
    expect(committed()).toBe('waiting');
    expect(writer.room()).toBe('away');
    await pass(1_250);
    expect(committed()).toBe('unknown');
    expect(new Set(log.appended.map(({ messageId }) => messageId)).size).toBe(1);
    log.always.clear();
    expect(writer.room()).toBe('ok');
    expect((await writer.commit(mailOf())).result).toBe('committed');
    expect(new Set(log.appended.map(({ messageId }) => messageId)).size).toBe(2);
  });

  test('what waits behind a silent segment hears so within 2 s; the segment itself may still be committed', async () => {
    log.script = ['silent'];
    const writer = writerFor(['a']);
    const first = watched(writer.commit(mailOf()));
    const second = watched(writer.commit(mailOf()));
    await pass(2_000);
    expect([first(), second()]).toEqual(['waiting', 'unavailable']);
    log.answer();
    await pass(250);
    expect(first()).toBe('committed');
    expect(writer.room()).toBe('ok');
    await writer.drained();
  });

  test('a landing after the last try is no commit: the client was told 451', async () => {
    log.always.set('.segment', 'late');
    const committed = watched(writerFor(['a']).commit(mailOf()));
    await pass(10_000);
    expect(committed()).toBe('unknown');
    await log.land();
    expect(await segmentsIn('a')).toBe(1);
  });

  test('a mail alone goes at once; once several come together they are gathered for a moment', async () => {
    log.gatherSegmentsFor = 1;
    const writer = writerFor(['a']);
    const commit = () => watched(writer.commit(mailOf()));
    const alone = commit();
    // Behind the first, in one segment.
    const together = [commit(), commit()];
    await clock.advance(0);
    expect([alone(), ...together.map((state) => state()), await segmentsIn('a')]).toEqual([
      'committed',
      'committed',
      'committed',
      2,
    ]);
    const gathered = [commit(), commit(), commit()];
    await clock.advance(0);
    expect(gathered.map((state) => state())).toEqual(['waiting', 'waiting', 'waiting']);
    await clock.advance(1);
    expect([...gathered.map((state) => state()), await segmentsIn('a')]).toEqual([
      'committed',
      'committed',
      'committed',
      3,
    ]);
    // What has come alone after the moment ends it.
    const last = commit();
    await clock.advance(1);
    const next = commit();
    await clock.advance(0);
    expect([last(), next(), await segmentsIn('a')]).toEqual(['committed', 'committed', 5]);
    await writer.drained();
  });

  test('away while the connection is broken', () => {
    const writer = writerFor(['a']);
    log.connected = false;
    expect(writer.room()).toBe('away');
    log.connected = true;
    expect(writer.room()).toBe('ok');
  });

  test('content too large for a segment is not taken', async () => {
    const result = await writerFor(['a']).commit(mailOf(1, Buffer.alloc(256 * 1024 + 1)));
    expect(result).toMatchObject({
      result: 'unavailable',
      text: expect.stringContaining('beginLarge') as string,
    });
  });
});

describe('two shards', () => {
  const other = (shard: string): string => (shard === 'a' ? 'b' : 'a');

  test('mail not yet published goes to the other shard when one is silent for 1 s; what is in flight stays', async () => {
    const writer = writerFor(['a', 'b']);
    const { shard } = writer;
    log.script = ['silent'];
    const inFlight = watched(writer.commit(mailOf()));
    const waiting = writer.commit(mailOf());
    await pass(1_000);
    expect(await waiting).toMatchObject({ result: 'committed', shard: other(shard) });
    expect(inFlight()).toBe('waiting');
    await pass(10);
    expect([writer.shard, writer.room()]).toEqual([other(shard), 'ok']);
    log.answer();
    await pass(250);
    expect(inFlight()).toBe('committed');
    expect(await segmentsIn(shard)).toBe(1);
    expect(writer.shard).toBe(other(shard));
  });

  test('surely refused for want of a leader, a segment goes to the other shard at once', async () => {
    const writer = writerFor(['a', 'b']);
    const { shard } = writer;
    log.always.set(`.${shard}.`, 'away');
    expect(await writer.commit(mailOf())).toMatchObject({ result: 'committed', shard: other(shard) });
    log.always.set(`.${other(shard)}.`, 'away');
    expect(await writer.commit(mailOf())).toMatchObject({ result: 'unavailable' });
    expect(writer.room()).toBe('away');
    log.always.clear();
    await pass(1_000);
    expect(writer.room()).toBe('ok');
    expect(await writer.commit(mailOf())).toMatchObject({ result: 'committed' });
  });

  test('mail whose large content stands in a shard is bound to it', async () => {
    const writer = writerFor(['a', 'b']);
    const large = writer.beginLarge('0123456789bcdfghjk');
    log.always.set(`.${large.shard}.`, 'away');
    const { envelope } = mailOf();
    const mail = {
      envelope: { ...envelope, large: { chunks: 1, octets: 1, sha256: '', contentId: envelope.id } },
    };
    expect(await writer.commit(mail, large.shard)).toMatchObject({ result: 'unavailable' });
    expect(await writer.commit(mailOf())).toMatchObject({ result: 'committed', shard: other(large.shard) });
    await expect(Promise.resolve().then(() => writer.commit(mail, 'c'))).rejects.toThrow('not one of');
  });

  test('a full shard is left for the other; with both full, room says so, until there is room', async () => {
    const writer = writerFor(['a', 'b']);
    const { shard } = writer;
    log.always.set(`.${shard}.`, 'full');
    expect(await writer.commit(mailOf())).toEqual({ result: 'full' });
    expect(writer.shard).toBe(other(shard));
    log.always.set(`.${other(shard)}.`, 'full');
    expect(await writer.commit(mailOf())).toEqual({ result: 'full' });
    expect(writer.room()).toBe('full');
    log.always.clear();
    await pass(1_000);
    writer.room();
    await pass(0);
    expect(writer.room()).toBe('ok');
  });
});
