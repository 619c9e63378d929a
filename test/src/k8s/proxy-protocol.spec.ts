/** Component proxy-protocol: behind a balancer that is named the client's address counts, and nobody comes past it. */
import { waitFor } from '@postrider/testing';
import { afterAll, beforeAll, expect } from 'vitest';
import { swaks, testWith } from '../e2e/peers.js';
import { freePort } from '../running-postrider.js';
import { startBalancer, type Balancer, type Endpoint } from './balancer.js';
import { Cluster, up } from './cluster.js';

const test = testWith('kubectl', 'swaks', 'openssl', 'haproxy');

let cluster: Cluster | undefined;
let balancer: Balancer | undefined;
const network = '127.254.254';
const at: { host: string; port: number } = { host: `${network}.1`, port: 0 };
const [relayed, stranger] = [`${network}.7`, `${network}.8`];

const site = [
  'hostname: mx.example.org',
  'spool: { shards: 1, max_size: 64MiB }',
  `relay: { networks: ["${relayed}"] }`,
  `listeners: { mx: { proxy_from: ["${at.host}"] }, submission: { proxy_from: ["${at.host}"] }, submissions: { proxy_from: ["${at.host}"] } }`,
].join('\n');

beforeAll(async () => {
  cluster = await Cluster.create(site, ['proxy-protocol']);
  await cluster.startNats();
  // As Kubernetes does: NATS may still be without a leader of its own.
  while ((await cluster.job('cluster-init').ended()).code !== 0);
  for (const service of ['smtp-ingress', 'alias-expander'] as const)
    await up(cluster.launch(service), 'readinessProbe');
  at.port = await freePort();
  balancer = await startBalancer(at, cluster.behindService(25));
});
afterAll(async () => {
  await balancer?.stop();
  await cluster?.remove();
});

const send = ({ host, port }: Endpoint, from: string) =>
  swaks(
    0,
    ...['--server', host, '--port', String(port), '--local-interface', from],
    ...['--from', 'a@example.org', '--to', 'you@elsewhere.test'],
  );

test('the client behind the balancer may relay, or not, by its own address', async () => {
  expect((await send(at, relayed)).output).toMatch(/<- {2}250 2\.0\.0/);
  expect((await send(at, stranger)).output).toMatch(/<\*\* 550 5\.7\.1/);
  const ingress = cluster?.get('smtp-ingress');
  await waitFor(
    () => ingress?.output.includes(`"client":"${relayed}"`) === true,
    20_000,
    'the log to name the client',
  );
});

test('who comes past the balancer is not served, whatever its address', async () => {
  const pod = cluster?.behindService(25);
  if (!pod) throw new Error('no cluster');
  for (const from of [relayed, stranger]) {
    const { code, output } = await send(pod, from);
    expect(code).not.toBe(0);
    expect(output).not.toContain('220 ');
  }
});
