/** An operator with any NATS client sees what happens, and `postrider trace` tells one mail's story. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type NatsConnection } from 'nats';
import { afterAll, beforeAll, expect } from 'vitest';
import { freePort, startPostrider, type RunningPostrider } from '../running-postrider.js';
import { until } from './maildirs.js';
import { swaks, testWith } from './peers.js';

const services = ['alias-expander', 'dns-resolver', 'outbound-delivery', 'queue-manager', 'smtp-ingress'];

let postrider: RunningPostrider;
let nats: NatsConnection;
beforeAll(async () => {
  const down = await freePort();
  postrider = await startPostrider([
    'hostname: postrider.example.org',
    'local: { deliver: "maildir:./mail" }',
    'queue: { retry: { first: 1h, max: 2h } }',
    `routes: { down.test: "smtp://127.0.0.1:${down}" }`,
  ]);
  const connection = JSON.parse(readFileSync(join(postrider.folder, 'var/nats/connection.json'), 'utf8')) as {
    servers: string[];
    user: string;
    password: string;
  };
  nats = await connect({ servers: connection.servers, user: connection.user, pass: connection.password });
});
afterAll(async () => {
  await nats.close();
  await postrider.remove();
});

async function send(to: string): Promise<string> {
  const { output } = await swaks(postrider.port, '--from', 'me@localhost', '--to', to);
  return /queued as (\S+)/.exec(output)?.[1] ?? output;
}

testWith('swaks')('every service says how it is, each second, and answers $SRV.PING', async () => {
  const seen = new Set<string>();
  const subscription = nats.subscribe('mta.status.>', {
    callback: (_, message) => {
      const record = message.json<{ service: string }>();
      seen.add(record.service);
      expect(message.subject).toContain(`mta.status.${record.service}.`);
    },
  });
  await until('a status of each service', () => services.every((service) => seen.has(service)));
  subscription.unsubscribe();
  const found: string[] = [];
  for await (const message of await nats.requestMany('$SRV.PING', '', { maxWait: 1000 }))
    found.push(message.json<{ name: string }>().name);
  expect([...new Set(found)].sort()).toEqual(
    expect.arrayContaining(services.map((service) => `postrider-${service}`)),
  );
});

testWith('swaks')('events of a mail are on mta.events.>, as JSON with the same id', async () => {
  const events: { subject: string; event: string; at: string; mail?: string }[] = [];
  const subscription = nats.subscribe('mta.events.>', {
    callback: (_, message) =>
      events.push({
        subject: message.subject,
        ...message.json<{ event: string; at: string; mail?: string }>(),
      }),
  });
  await nats.flush();
  const id = await send('you@localhost');
  const ofMail = await until('its delivery', () => {
    const found = events.filter(({ mail }) => mail === id);
    return found.some(({ event }) => event === 'delivered') && found;
  });
  subscription.unsubscribe();
  // Each service sends its own: they come in about that order, and `at` tells it.
  ofMail.sort((one, other) => one.at.localeCompare(other.at));
  expect(ofMail.map(({ event }) => event)).toEqual(['accepted', 'queued', 'delivered']);
  expect(ofMail[0]?.subject).toBe('mta.events.smtp-ingress.accepted');
});

testWith('swaks')(
  'trace: every event in order, who holds it, why it waits, when it is tried next',
  async () => {
    const id = await send('you@down.test');
    const trace = await until('the deferral in the trace', async () => {
      const { code, stdout } = await postrider.command('trace', id);
      return code === 0 && stdout.includes('deferred') && stdout;
    });
    expect(trace.indexOf('accepted')).toBeLessThan(trace.indexOf('queued'));
    expect(trace.indexOf('queued')).toBeLessThan(trace.indexOf('deferred'));
    expect(trace).toContain('ECONNREFUSED');
    expect(trace).toContain('you@down.test');
    const json = JSON.parse((await postrider.command('trace', id, '--json')).stdout) as unknown;
    expect(JSON.stringify(json)).toContain('"state":"deferred"');
  },
);

testWith('swaks')('trace of an unknown mail: exit 1', async () => {
  expect((await postrider.command('trace', '000000000000000000')).code).toBe(1);
});

testWith('swaks')('the queue: list, summary, show, hold, release, retry, delete', async () => {
  const id = await send('held@down.test');
  await until('it in the list', async () => (await postrider.command('queue', 'list')).stdout.includes(id));
  await until('it deferred', async () =>
    (await postrider.command('queue', 'show', id, '--json')).stdout.includes('"deferred"'),
  );
  expect((await postrider.command('queue', 'summary')).stdout).toMatch(/deferred/i);
  expect((await postrider.command('queue', 'hold', id)).code).toBe(0);
  expect((await postrider.command('queue', 'list', '--state', 'held')).stdout).toContain(id);
  expect((await postrider.command('queue', 'release', id)).code).toBe(0);
  // Released, it is tried at once; what is on its way has nothing to retry until it is deferred again.
  await until('it retried', async () => (await postrider.command('queue', 'retry', id)).code === 0);
  expect((await postrider.command('queue', 'delete', id, '--yes')).code).toBe(0);
  await until('it gone', async () => !(await postrider.command('queue', 'list')).stdout.includes(id));
});

testWith('swaks')('send, route test, config show, events', async () => {
  const sent = await postrider.command(
    'send',
    '--from',
    'me@localhost',
    '--to',
    'sent@localhost',
    '--follow',
  );
  expect(sent.code).toBe(0);
  expect(sent.stdout).toContain('delivered');
  expect((await postrider.command('route', 'test', 'you@down.test')).stdout).toContain('down.test');
  expect((await postrider.command('config', 'show', '--origin')).stdout).toContain('postrider.yaml:');
  expect((await postrider.command('config', 'check')).code).toBe(0);
  expect((await postrider.command('events', '--since', '10m', '--json')).stdout).toContain('"delivered"');
  expect((await postrider.command('no-such-command')).code).toBe(2);
});
