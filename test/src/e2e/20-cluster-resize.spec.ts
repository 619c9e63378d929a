/** The recipe of k8s/README.md: other numbers of shards and of copies, while mail waits and comes. */
import { afterAll, beforeAll, expect } from 'vitest';
import { startOutsideNats, type OutsideNats } from '../outside-nats.js';
import { freePort } from '../running-postrider.js';
import { initCluster, prepareServices, type RunningServices } from '../running-services.js';
import { startSmtpSink, type CountingSink } from '../smtp-sink.js';
import { until } from './maildirs.js';
import { swaks, testWith } from './peers.js';

const test = testWith('swaks', 'smtp-sink');
const all = ['queue-manager', 'outbound-delivery', 'dns-resolver', 'alias-expander'];

let nats: OutsideNats;
let postrider: RunningServices;
let sink: CountingSink | undefined;
let nextHop: number;
const settings = (shards: number): readonly string[] => [
  'hostname: mx.example.org',
  `spool: { shards: ${shards}, replicas: 1, max_size: 256MiB }`,
  `routes: { down.test: "smtp://127.0.0.1:${nextHop}" }`,
  'queue: { retry: { first: 1h, max: 2h } }',
];
beforeAll(async () => {
  nats = await startOutsideNats(3);
  nextHop = await freePort();
  postrider = await prepareServices({ servers: nats.servers, settings: settings(3) });
  await initCluster(postrider);
  await postrider.run(all);
});
afterAll(async () => {
  await sink?.stop();
  await postrider.remove();
  await nats.remove();
});

interface Shown {
  readonly shards: readonly {
    readonly shard: string;
    readonly copies: { readonly current: number; readonly wanted: number };
  }[];
}
const status = async (): Promise<Shown> =>
  JSON.parse((await postrider.command('cluster', 'status', '--json')).stdout) as Shown;
const send = (): Promise<{ code: number }> =>
  swaks(postrider.port, '--from', 'me@example.org', '--to', 'you@down.test');

test('one copy becomes three, while mail waits', async () => {
  // Each ingress writes to a shard of its own: one of them will be surplus.
  const ingress = await postrider.run(['smtp-ingress']);
  expect((await send()).code).toBe(0);
  const { code, stderr } = await postrider.command('cluster', 'replicas', '3');
  expect([code, stderr]).toEqual([0, '']);
  for (const { copies } of (await status()).shards) expect(copies).toEqual({ current: 3, wanted: 3 });
  expect((await send()).code).toBe(0);
  await ingress.stop();
});

test('fewer shards: what waits in them is waited for, then they go; nothing is lost', async () => {
  postrider.configure(settings(1));
  await postrider.run(['smtp-ingress']);
  const first = await postrider.command('cluster', 'prune', '--json');
  const { removed, waiting } = JSON.parse(first.stdout) as { removed: string[]; waiting: string[] };
  expect([...removed, ...waiting].sort()).toEqual(['1', '2']);
  expect((await send()).code).toBe(0);
  sink = await startSmtpSink(nextHop);
  await postrider.command('queue', 'retry', '--all');
  await sink.reached(3);
  await until('all of them gone', async () => (await postrider.command('cluster', 'prune')).code === 0);
  // Their owner lets go of them when it next looks.
  await until('one shard', async () => (await status()).shards.map(({ shard }) => shard).join() === '0');
  expect((await send()).code).toBe(0);
  await sink.reached(4);
  expect(sink.count()).toBe(4);
});

test('more shards: init makes them, and they are owned', async () => {
  postrider.configure(settings(2));
  expect((await postrider.command('cluster', 'init')).code).toBe(0);
  await until('two shards', async () =>
    (await postrider.command('cluster', 'status')).stdout.startsWith('2 shards, 2 owned'),
  );
});
