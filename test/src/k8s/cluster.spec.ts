/** What the manifests say is run: in, out, and torn down as Kubernetes would. */
import { connect } from 'node:tls';
import { makeUser, printUsers } from '@postrider/auth';
import { selfSigned, startSink, waitFor, type Sink } from '@postrider/testing';
import { afterAll, beforeAll, expect } from 'vitest';
import { swaks, testWith } from '../e2e/peers.js';
import { askedSeries, isOn } from './asked-series.js';
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

/** Through Service `smtp`. */
const send = (to: string, subject: string, port = 25, ...more: readonly string[]) => {
  const behind = at().behindService(port);
  const words = ['--server', behind.host, '--port', String(behind.port), '--header', `Subject: ${subject}`];
  return swaks(0, ...words, '--to', to, '--from', 'a@example.org', '--timeout', '60', ...more);
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

test('mail in and out', async () => {
  expect((await send('you@sink.test', 'first')).code).toBe(0);
  await arrived('first');
});

test('a stranger may not relay by any port of the Service, and keeps its address', async () => {
  const stranger = at().newAddress();
  const from = ['--local-interface', stranger];
  const refused = await send('you@elsewhere.test', 'relay', 25, ...from);
  expect(refused.output).toMatch(/<\*\* 550 5\.7\.1/);
  expect((await send('you@elsewhere.test', 'relay', 587, ...from)).output).toMatch(/<\*\* 530 5\.7\.0/);
  const atOnce = await send('you@elsewhere.test', 'relay', 465, '--tls-on-connect', ...from);
  expect(atOnce.output).toMatch(/<~\* 530 5\.7\.0/);
  expect((await send('you@sink.test', 'local', 25, ...from)).code).toBe(0);
  await arrived('local');
  expect(sink.mails.find(({ content }) => content.includes('Subject: local'))?.content).toContain(
    `([${stranger}])`,
  );
});

test('a user of the Secret, which changes in the running pod, submits by 465 and 587', async () => {
  const user = await makeUser('ann@example.org', 'correct horse', []);
  at()
    .get('smtp-ingress')
    .update('users', new Map([['users', printUsers([user])]]));
  const login = ['--from', 'ann@example.org', '--auth', '--auth-user', user.name];
  const submit = (port: number, password: string, ...tls: readonly string[]) =>
    send('you@sink.test', `submitted by ${port}`, port, ...tls, ...login, '--auth-password', password);
  await waitFor(
    async () => (await submit(465, 'correct horse', '--tls-on-connect')).code === 0,
    patience,
    'the user to be known',
  );
  await arrived('submitted by 465');
  expect((await submit(587, 'wrong', '--tls')).output).toContain('535 5.7.8');
  expect((await submit(587, 'correct horse', '--tls')).code).toBe(0);
  await arrived('submitted by 587');
});

test("cert-manager's new certificate counts from the next handshake on; sessions stay; days left is a metric", async () => {
  const pod = at().get('smtp-ingress');
  const { host, port } = at().behindService(465);
  const open = () => {
    const socket = connect({ host, port, rejectUnauthorized: false });
    const lines: string[] = [];
    socket.setEncoding('latin1').on('data', (text: string) => lines.push(text));
    const until = (reply: string) =>
      waitFor(
        () => lines.join('').includes(reply),
        patience,
        () => `${reply}, got: ${lines.join('')}`,
      );
    return { socket, until };
  };
  const days = async (): Promise<number> => {
    const page = await (await pod.get('/metrics')).text();
    const found = /^postrider_certificate_left_seconds\{.*certificate="submissions"\} (\S+)$/m.exec(page);
    return Math.round(Number(found?.[1]) / 86_400);
  };
  const old = open();
  await old.until('220 ');
  const before = old.socket.getPeerCertificate().fingerprint256;
  expect(await days()).toBe(365);
  const issued = selfSigned(['mx.example.org'], 90);
  pod.update(
    'tls',
    new Map([
      ['tls.crt', issued.cert],
      ['tls.key', issued.key],
    ]),
  );
  await waitFor(async () => (await days()) === 90, patience, 'the new certificate');
  const next = open();
  await next.until('220 ');
  expect(next.socket.getPeerCertificate().fingerprint256).not.toBe(before);
  old.socket.write('NOOP\r\n');
  await old.until('250 2.0.0');
  old.socket.destroy();
  next.socket.destroy();
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
  // admin shows the gauges of the last second, so that a mail just taken comes a little later.
  for (const [service, line] of wanted) {
    let page = '';
    await waitFor(
      async () => line.test((page = await (await at().get(service).get('/metrics')).text())),
      patience,
      () => `${String(line)} of ${service}, which says:\n${page}`,
    );
  }
});

test('every series and label that dashboard, alerts and scalers ask for is on a page of metrics', async () => {
  const pages = await Promise.all(
    [...services, 'admin' as const].map(async (service) => (await at().get(service).get('/metrics')).text()),
  );
  const page = pages.join('\n');
  for (const series of askedSeries())
    expect(isOn(page, series), `${series.name} of: ${series.expression}`).toBe(true);
});

test("the certificates of NATS's servers are on admin's page", async () => {
  const left = /^postrider_certificate_left_seconds\{.*certificate="nats\/.*:4222"\} [0-9]{6,}$/m;
  const page = async (): Promise<string> => (await at().get('admin').get('/metrics')).text();
  let last = '';
  await waitFor(
    async () => left.test((last = await page())),
    patience,
    () => last,
  );
});

test('the command line in pods: the queue and its events by admin, doctor in a worker', async () => {
  const admin = at().get('admin');
  const summary = await admin.exec('queue', 'summary');
  expect(summary.code, summary.output).toBe(0);
  const trace = await admin.exec('trace', 'you@sink.test');
  expect(trace.code, trace.output).toBe(0);
  expect(trace.output).toContain('relayed');
  const sent = await admin.exec('send', '--from', 'a@example.org', '--to', 'you@sink.test');
  expect(sent.output).not.toMatch(/violation|NATS/i);
  const monitor = `http://${at().nats[0]?.address ?? ''}:8222`;
  const doctor = await at().get('outbound-delivery').exec('doctor', '--json', '--monitor', monitor);
  const findings = JSON.parse(doctor.output) as readonly { check: string; result: string; text: string }[];
  expect(findings).toContainEqual({ check: 'NATS sync', result: 'ok', text: 'always' });
  expect(findings.find(({ check }) => check === 'NATS')?.result).toBe('ok');
  // The worker's pod mounts the certificate, without its key.
  expect(findings).toContainEqual({
    check: 'certificate of mx.example.org',
    result: 'ok',
    text: expect.stringMatching(/ days left$/) as string,
  });
  const ofNats = findings.filter(({ check }) => /^certificate of .*:4222$/.test(check));
  expect(ofNats.map(({ result }) => result)).toEqual(['ok', 'ok', 'ok']);
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

test('shards without an owner: the whole is not ready and admin says so, ingress takes mail, the figures are gone until the next owner', async () => {
  const admin = at().get('admin');
  const owner = at().get('queue-manager');
  owner.signal('SIGKILL');
  await owner.ended();
  const whole = async (): Promise<string> => JSON.stringify(await (await admin.get('/readyz')).json());
  const misses = JSON.stringify({ ready: false, missing: ['queue-manager'] });
  await waitFor(async () => (await whole()) === misses, patience, 'admin to miss it, and nothing else');
  expect(await (await admin.get('/metrics')).text()).not.toContain('postrider_shards_owned');
  expect(await at().get('smtp-ingress').probe('readinessProbe')).toBe(200);
  expect((await send('you@sink.test', 'no owner')).code).toBe(0);
  await up(at().launch('queue-manager'), 'readinessProbe');
  await arrived('no owner');
  await waitFor(
    async () => /^postrider_shards_owned\{.*\} 2$/m.test(await (await admin.get('/metrics')).text()),
    patience,
    'both shards to be owned',
  );
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

test('no secret is in what pods say', () => {
  const secrets = at().manifests.flatMap(({ kind, data }) =>
    kind === 'Secret' ? Object.entries(data ?? {}) : [],
  );
  const keys = secrets
    .filter(([name]) => name === 'nkey' || name === 'tls.key')
    .map(([, text]) => Buffer.from(text, 'base64').toString())
    .map((text) => text.split('\n').find((line) => line !== '' && !line.startsWith('-----')) ?? '');
  expect(keys.length).toBeGreaterThan(7);
  for (const pod of [...at().nats, ...services.map((name) => at().get(name))])
    for (const secret of [...keys, 'correct horse', Buffer.from('correct horse').toString('base64')])
      expect(pod.output.includes(secret), `${pod.name} says a secret`).toBe(false);
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
