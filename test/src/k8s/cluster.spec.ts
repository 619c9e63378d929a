/** What the manifests say is run: in, out, and torn down as Kubernetes would. */
import { startSink, waitFor, type Sink } from '@postrider/testing';
import { afterAll, beforeAll, expect } from 'vitest';
import { swaks, testWith } from '../e2e/peers.js';
import { Cluster, services, up } from './cluster.js';

const test = testWith('kubectl', 'swaks', 'openssl');
const patience = 90_000;

let cluster: Cluster | undefined;
let sink: Sink;
const at = (): Cluster => {
  if (!cluster) throw new Error('no cluster');
  return cluster;
};
beforeAll(async () => {
  sink = await startSink({ keepMails: true });
});
afterAll(async () => {
  await cluster?.remove();
  await sink.stop();
});

const send = (to: string, subject: string) => {
  const ingress = at().get('smtp-ingress');
  const words = ['--server', `${ingress.address}:${ingress.port('smtp')}`, '--header', `Subject: ${subject}`];
  return swaks(0, ...words, '--to', to, '--from', 'a@example.org', '--timeout', '60');
};
const arrived = (subject: string): Promise<boolean> =>
  waitFor(
    () => sink.mails.some(({ content }) => content.includes(`Subject: ${subject}`)),
    patience,
    () => `${subject} in the sink; queue-manager said:\n${at().get('queue-manager').output.slice(-2000)}`,
  );

test('before the init job services wait; after it all are ready', async () => {
  cluster = await Cluster.create(
    [
      'hostname: mx.example.org',
      'spool: { shards: 2, max_size: 1GiB }',
      'relay: { domains: [sink.test] }',
      `routes: { sink.test: "smtp://127.0.0.1:${sink.port}" }`,
    ].join('\n'),
  );
  await cluster.startNats();
  for (const service of services) cluster.launch(service);
  for (const service of services) await up(cluster.get(service), 'startupProbe');
  const ingress = cluster.get('smtp-ingress');
  await waitFor(
    () => ingress.output.includes("'postrider cluster init' makes them"),
    20_000,
    () =>
      `the reason; it said: ${ingress.output.slice(-2500)}; nats: ${at().nats[0]?.output.slice(-2500) ?? ''}`,
  );
  expect(await ingress.probe('readinessProbe')).toBe(503);
  expect(await ingress.probe('livenessProbe')).toBe(200);
  const job = cluster.job('cluster-init');
  expect(await job.ended(), job.output).toEqual({ code: 0, signal: null });
  await cluster.allReady();
});

test('mail in and out; a stranger may not relay', async () => {
  expect((await send('you@sink.test', 'first')).code).toBe(0);
  await arrived('first');
  const refused = await send('you@elsewhere.test', 'relay');
  expect(refused.code).not.toBe(0);
  expect(refused.output).toMatch(/55[04] 5\.7\.1/);
});

test('metrics of each service', async () => {
  const wanted: readonly (readonly [string, RegExp])[] = [
    ['smtp-ingress', /^postrider_mails_accepted_total\{.*\} [1-9]/m],
    ['queue-manager', /^postrider_shards_owned\{.*\} 2$/m],
    ['outbound-delivery', /^postrider_delivery_recipients_total\{.*outcome="relayed"\} [1-9]/m],
    ['dns-resolver', /^postrider_ready\{.*\} 1$/m],
    ['alias-expander', /^postrider_ready\{.*\} 1$/m],
    ['admin', /^postrider_mails_accepted_total\{service="smtp-ingress",process=".+"\} [1-9]/m],
  ];
  for (const [service, line] of wanted)
    expect(await (await at().get(service).get('/metrics')).text(), service).toMatch(line);
});

test('a pod that is deleted is not ready at once, takes on for a while, and ends within its grace', async () => {
  const pod = at().get('smtp-ingress');
  const end = pod.delete();
  await waitFor(async () => (await pod.probe('readinessProbe')) === 503, patience, 'not ready');
  expect(await pod.probe('livenessProbe')).toBe(200);
  expect((await send('you@sink.test', 'while draining')).code).toBe(0);
  expect(await end).toEqual({ code: 0, signal: null });
  await up(at().launch('smtp-ingress'), 'readinessProbe');
  await arrived('while draining');
});

test('every pod in turn: mail that was accepted comes out', async () => {
  for (const service of ['queue-manager', 'outbound-delivery', 'dns-resolver', 'alias-expander'] as const) {
    expect((await at().get(service).delete()).code, service).toBe(0);
    expect((await send('you@sink.test', `without ${service}`)).code, service).toBe(0);
    await up(at().launch(service), 'readinessProbe');
    await arrived(`without ${service}`);
  }
});

test('SIGKILL of a NATS node', async () => {
  const [first] = at().nats;
  first?.signal('SIGKILL');
  await first?.ended();
  await waitFor(
    async () => (await send('you@sink.test', 'two of three')).code === 0,
    patience,
    'two of three NATS servers to take mail',
  );
  await arrived('two of three');
  first?.start();
  if (first) await up(first, 'startupProbe');
});

test('nobody was refused what its manifest makes it do', () => {
  for (const pod of at().nats) {
    expect(pod.output).toContain('Server is ready');
    expect(pod.output.split('\n').filter((line) => /violation/i.test(line))).toEqual([]);
  }
});

test('NATS away: 451 at once, ready for 30 s, live throughout, ready again', async () => {
  for (const pod of at().nats) pod.signal('SIGKILL');
  await Promise.all(at().nats.map((pod) => pod.ended()));
  const ingress = at().get('smtp-ingress');
  const refused = await send('you@sink.test', 'away');
  expect(refused.output).toMatch(/<\*\* 451 /);
  expect(await ingress.probe('readinessProbe')).toBe(200);
  await waitFor(async () => (await ingress.probe('readinessProbe')) === 503, patience, 'not ready');
  expect(await ingress.probe('livenessProbe')).toBe(200);
  expect(await (await ingress.get('/metrics')).text()).toMatch(
    /^postrider_nats_away_seconds\{.*\} 3[0-9.]+$/m,
  );
  await at().startNats();
  await up(ingress, 'readinessProbe');
  await waitFor(
    async () => (await send('you@sink.test', 'back')).code === 0,
    patience,
    'mail to be taken again',
  );
  await arrived('back');
});
