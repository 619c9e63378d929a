/**
 * A delivery worker is killed under load, several times: the one in its place says that it has ended, so that its channels
 * are free at once, and its site never sees more connections than outbound.channels_per_site.
 */
import { runKills, startSink, type Sink } from '@postrider/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPostrider, type RunningPostrider } from '../running-postrider.js';

const limit = 6;
const rounds = 4;
/** Each channel may have taken as many jobs as fill a round trip. */
const inFlightAtMost = limit * 32;

let postrider: RunningPostrider;
let sink: Sink;
let most = 0;
beforeAll(async () => {
  sink = await startSink({
    rules: { '*': [{ at: 'dot', delay: 20 }] },
    connected: (open) => (most = Math.max(most, open)),
  });
  postrider = await startPostrider(
    [
      'hostname: postrider.example.org',
      `outbound: { channels_per_site: ${limit} }`,
      `routes: { "*": "smtp://127.0.0.1:${sink.port}" }`,
      'log: { level: warn, format: text }',
    ],
    { flags: ['--separate'] },
  );
});
afterAll(async () => {
  await postrider.remove();
  await sink.stop();
});

test('mail flows again, nothing is lost, and the limit holds', { timeout: 300_000 }, async () => {
  const name = 'outbound-delivery';
  const rows = await runKills({
    targets: [{ name, pids: () => postrider.pidsOf(name) }],
    rounds,
    sink,
    load: { port: postrider.port, sessions: 5, sizeInOctets: 2000, perSecond: 100 },
  });
  for (const { secondsUntilMailFlows, lost, twice, lostMarkers } of rows) {
    process.stdout.write(
      `kill -9 ${name}: mail flows after ${secondsUntilMailFlows.toFixed(1)} s; twice ${twice}\n`,
    );
    expect({ lost, lostMarkers }).toEqual({ lost: 0, lostMarkers: [] });
    expect(twice).toBeLessThanOrEqual(inFlightAtMost);
  }
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(limit);
  expect(postrider.output()).toContain('worker lost');
});
