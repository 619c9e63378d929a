import { afterEach, beforeEach, expect, test } from 'vitest';
import { startSink, type Sink, type SinkOptions } from '../sink/sink.js';
import { waitFor } from '../wait-for.js';
import { sendLoad, startLoad } from './load.js';

let sink: Sink;
const restart = async (options: SinkOptions): Promise<void> => {
  await sink.stop();
  sink = await startSink({ port: sink.port, ...options });
};
beforeEach(async () => {
  sink = await startSink({ keepMails: true });
});
afterEach(() => sink.stop());

test('every mail arrives once, under its marker, in its size', async () => {
  const result = await sendLoad({
    port: sink.port,
    count: 200,
    sessions: 7,
    sizeInOctets: 5000,
    markerPrefix: 'm-',
    to: (number) => `to${number}@dest.test`,
  });
  expect(result.accepted.size).toBe(200);
  expect([...sink.received].every(([marker, times]) => result.accepted.has(marker) && times === 1)).toBe(
    true,
  );
  expect(sink.received.size).toBe(200);
  expect(sink.connections().all).toBe(7);
  expect(sink.report().violations).toEqual([]);
  const { octets = 0, marker, recipients } = sink.mails[0] ?? {};
  expect(Math.abs(octets - 5000)).toBeLessThan(150);
  expect(recipients).toEqual([`to${marker?.slice(2)}@dest.test`]);
});

test.each([
  ['a refusal is an end', '550 5.1.1 No', { refused: 1, accepted: 9, temporaries: 0 }],
  ['4xx is tried again', '451 4.3.0 Later', { refused: 0, accepted: 10, temporaries: 1 }],
  ['421 too, on another connection', '421 4.3.2 Bye', { refused: 0, accepted: 10, temporaries: 0 }],
])('%s', async (_, reply, expected) => {
  for (const at of ['mail', 'rcpt', 'data', 'dot'] as const) {
    sink.behave({ '*': [{ at, reply, times: 1 }] });
    const { refused, accepted, temporaries, unknown } = await sendLoad({
      port: sink.port,
      count: 10,
      markerPrefix: `${at}-`,
    });
    expect({ refused: refused.size, accepted: accepted.size, temporaries }).toEqual(expected);
    expect(unknown.size).toBe(0);
  }
  expect(sink.duplicates().size).toBe(0);
});

test('a connection cut before the dot: sent again; after the dot: unknown, whether it came or not', async () => {
  const cut = async (at: 'rcpt' | 'dot' | 'taken'): Promise<readonly [number, number, number]> => {
    const before = sink.count();
    sink.behave({ '*': [{ at, cut: true, times: 1 }] });
    const { accepted, unknown } = await sendLoad({ port: sink.port, count: 5, markerPrefix: `${at}-` });
    return [accepted.size, unknown.size, sink.count() - before];
  };
  expect(await cut('rcpt')).toEqual([5, 0, 5]);
  expect(await cut('dot')).toEqual([4, 1, 4]);
  expect(await cut('taken')).toEqual([4, 1, 5]);
});

test('goes on over restarts of the server until it is stopped', async () => {
  const load = startLoad({ port: sink.port, sessions: 3, perSecond: 400 });
  const arrived = new Map<string, number>();
  for (let round = 0; round < 3; round++) {
    await waitFor(() => sink.count() > 20, 5000, 'mails');
    for (const [marker, times] of sink.received) arrived.set(marker, (arrived.get(marker) ?? 0) + times);
    await restart({});
  }
  const result = await load.stop();
  for (const [marker, times] of sink.received) arrived.set(marker, (arrived.get(marker) ?? 0) + times);
  expect(result.reconnects).toBeGreaterThanOrEqual(3);
  expect([...result.accepted.keys()].filter((marker) => !arrived.has(marker))).toEqual([]);
  expect([...arrived.values()].every((times) => times === 1)).toBe(true);
});
