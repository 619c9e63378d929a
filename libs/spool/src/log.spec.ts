import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { StreamGone, type Log } from './log.js';
import { jetStreamBackend, memoryBackend } from './spec/backends.js';

const octets = (text: string): Uint8Array => Buffer.from(text);
const text = (payload: Uint8Array | undefined): string | undefined =>
  payload && Buffer.from(payload).toString();
const all = { messages: 100, octets: 1_000_000 };

/** The rules that the spool counts on, the same for every backend. */
describe.each([memoryBackend(), jetStreamBackend()])('the log in $name', (backend) => {
  let log: Log;
  let shards = 0;
  const newShard = async () => {
    const shard = `l${shards++}`;
    await log.prepare([shard]);
    return {
      stream: `SPOOL-${shard}`,
      segment: `mta.v1.spool.${shard}.segment`,
      outcome: `mta.v1.spool.${shard}.outcome`,
    };
  };

  beforeAll(async () => {
    await backend.start();
    log = await backend.log(64 * 1024 * 1024);
  });
  afterAll(async () => {
    await log.close();
    await backend.stop();
  });

  test('prepare makes four streams a shard, and may be called again', async () => {
    const { stream } = await newShard();
    const shard = stream.slice('SPOOL-'.length);
    await log.prepare([shard]);
    const streams = await log.streams();
    for (const name of ['SPOOL', 'DEFER', 'DEFER-CONTENT', 'CONTENT'])
      expect(streams).toContain(`${name}-${shard}`);
    expect(await log.state(stream)).toMatchObject({ messages: 0, lastSequence: 0, firstSequence: 1 });
    expect((await log.state(stream)).maxOctets).toBe(Math.floor(0.4 * 64 * 1024 * 1024));
  });

  test('messages come back by subject, in order, bounded by number and octets', async () => {
    const { stream, segment, outcome } = await newShard();
    for (let n = 0; n < 6; n++) {
      await log.append(segment, octets(`s${n}`));
      await log.append(outcome, octets(`o${n}`));
    }
    const read = async (subject: string, from: number, limit = all) =>
      (await log.read(stream, subject, from, limit)).map(({ sequence, payload }) => [
        sequence,
        text(payload),
      ]);
    expect(await read(segment, 1)).toEqual([
      [1, 's0'],
      [3, 's1'],
      [5, 's2'],
      [7, 's3'],
      [9, 's4'],
      [11, 's5'],
    ]);
    expect(await read(segment, 8)).toEqual([
      [9, 's4'],
      [11, 's5'],
    ]);
    expect(await read(outcome, 2, { ...all, messages: 2 })).toEqual([
      [2, 'o0'],
      [4, 'o1'],
    ]);
    expect((await read(outcome, 2, { messages: 100, octets: 1 })).length).toBeGreaterThanOrEqual(1);
    expect(await read(segment, 12)).toEqual([]);
    expect(text((await log.at(stream, 4))?.payload)).toBe('o1');
    expect(await log.at(stream, 99)).toBeUndefined();
    expect((await log.last(stream, outcome))?.sequence).toBe(12);
  });

  test('the same id is stored once, and said to be a duplicate', async () => {
    const { stream, segment } = await newShard();
    const [first, second] = [
      await log.append(segment, octets('a'), { messageId: 'x' }),
      await log.append(segment, octets('a'), { messageId: 'x' }),
    ];
    expect(first).toEqual({ result: 'acknowledged', sequence: 1, duplicate: false });
    expect(second).toEqual({ result: 'acknowledged', sequence: 1, duplicate: true });
    expect((await log.state(stream)).messages).toBe(1);
  });

  test('a write that expects another last sequence is stale, and not stored', async () => {
    const { stream, segment, outcome } = await newShard();
    expect(await log.append(outcome, octets('a'), { expectedLast: 0 })).toMatchObject({ sequence: 1 });
    await log.append(segment, octets('between'));
    for (const expectedLast of [0, 2, 3])
      expect(await log.append(outcome, octets('b'), { expectedLast })).toMatchObject({
        result: 'refused',
        reason: 'stale',
      });
    expect(await log.append(outcome, octets('b'), { expectedLast: 1 })).toMatchObject({ sequence: 3 });
    expect((await log.state(stream)).messages).toBe(3);
  });

  test('truncated to a sequence, the rest keeps its sequences and the fence', async () => {
    const { stream, segment, outcome } = await newShard();
    for (let n = 0; n < 5; n++) await log.append(segment, octets('s'));
    await log.append(outcome, octets('o'));
    await log.truncate(stream, 6);
    expect(await log.state(stream)).toMatchObject({ firstSequence: 6, lastSequence: 6, messages: 1 });
    expect(await log.append(outcome, octets('p'), { expectedLast: 6 })).toMatchObject({ sequence: 7 });
    expect(await log.at(stream, 3)).toBeUndefined();
  });

  test('an empty stream, truncated beyond its end, goes on from there', async () => {
    const { stream, segment } = await newShard();
    await log.truncate(stream, 1000);
    expect(await log.state(stream)).toMatchObject({ firstSequence: 1000, lastSequence: 999, messages: 0 });
    expect(await log.append(segment, octets('s'))).toMatchObject({ sequence: 1000 });
  });

  test('all subjects of a stream are read together, in order', async () => {
    const { stream, segment, outcome } = await newShard();
    const all = segment.replace(/segment$/, '>');
    for (const subject of [segment, outcome, segment]) await log.append(subject, octets('x'));
    const found = await log.read(stream, all, 1, { messages: 10, octets: 1000 });
    expect(found.map(({ sequence, subject }) => [sequence, subject])).toEqual([
      [1, segment],
      [2, outcome],
      [3, segment],
    ]);
    expect(await log.last(stream, all)).toMatchObject({ sequence: 3, subject: segment });
  });

  test('what was the last on its subject says so, whatever stands behind it on others', async () => {
    const { stream, segment, outcome } = await newShard();
    for (const subject of [segment, outcome, segment, outcome]) await log.append(subject, octets('x'));
    const lasts = async (from: number, messages: number) =>
      (await log.read(stream, segment, from, { messages, octets: 1000 })).map(({ last }) => last);
    expect(await lasts(1, 10)).toEqual([undefined, true]);
    expect(await lasts(1, 1)).toEqual([undefined]);
    expect(await lasts(2, 1)).toEqual([true]);
  });

  test('one content is purged by its subject, beside others', async () => {
    const { stream } = await newShard();
    const shard = stream.slice('SPOOL-'.length);
    for (const id of ['x', 'y'])
      for (let n = 0; n < 3; n++) await log.append(`mta.v1.content.${shard}.${id}.${n}`, octets(id));
    const found = async () =>
      [...(await log.subjects(`CONTENT-${shard}`, `mta.v1.content.${shard}.>`))].sort();
    expect(await found()).toHaveLength(6);
    await log.purge(`CONTENT-${shard}`, `mta.v1.content.${shard}.x.>`);
    expect(await found()).toEqual([0, 1, 2].map((n) => `mta.v1.content.${shard}.y.${n}`));
  });

  test('a stream at its limit refuses, and keeps what it has', async () => {
    const small = await backend.log(1024 * 1024);
    await small.prepare(['small']);
    const chunk = Buffer.alloc(100_000);
    const results = [];
    for (let n = 0; n < 6; n++) results.push(await small.append('mta.v1.spool.small.segment', chunk));
    expect(results.at(-1)).toMatchObject({ result: 'refused', reason: 'full' });
    expect((await small.state('SPOOL-small')).messages).toBe(
      results.filter(({ result }) => result === 'acknowledged').length,
    );
    await small.close();
  });

  test('no stream takes the subject: refused at once', async () => {
    expect(await log.append('mta.v1.spool.none.segment', octets('x'))).toMatchObject({
      result: 'refused',
      reason: 'away',
    });
    await expect(log.last('SPOOL-none', 'mta.v1.spool.none.outcome')).rejects.toThrow(StreamGone);
  });

  test('the register writes by revision', async () => {
    const { register } = log;
    expect(await register.get('k')).toBeUndefined();
    const first = await register.create('k', octets('a'));
    expect(first).toBeDefined();
    expect(await register.create('k', octets('b'))).toBeUndefined();
    const second = await register.update('k', octets('b'), first ?? 0);
    expect(await register.update('k', octets('c'), first ?? 0)).toBeUndefined();
    const entry = await register.get('k');
    expect([text(entry?.value), entry?.revision]).toEqual(['b', second]);
    await register.delete('k');
    expect(await register.get('k')).toBeUndefined();
    expect(await register.create('k', octets('d'))).toBeDefined();
  });
});
