/** A site never sees more connections at once than outbound.channels_per_site. */
import { startLoad, startSink, type Sink } from '@postrider/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPostrider, type RunningPostrider } from '../running-postrider.js';
import { until } from './maildirs.js';

const limit = 3;
let postrider: RunningPostrider;
let sink: Sink;
beforeAll(async () => {
  sink = await startSink({ rules: { '*': [{ at: 'dot', delay: 20 }] } });
  postrider = await startPostrider([
    'hostname: postrider.example.org',
    `outbound: { channels_per_site: ${limit} }`,
    `routes: { "*": "smtp://127.0.0.1:${sink.port}" }`,
  ]);
});
afterAll(async () => {
  await postrider.remove();
  await sink.stop();
});

test('three', async () => {
  let most = 0;
  const load = startLoad({ port: postrider.port, sessions: 5, count: 300 });
  const { accepted } = await until(
    'the load to be accepted',
    async () => {
      most = Math.max(most, sink.connections().open);
      const done = await Promise.race([
        load.finished,
        new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 1)),
      ]);
      return done;
    },
    90_000,
  );
  await until(
    'all mails',
    () => {
      most = Math.max(most, sink.connections().open);
      return sink.count() >= accepted.size;
    },
    90_000,
  );
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(limit);
});
