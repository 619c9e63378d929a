import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { askServer } from './ask-server.js';
import { connectNats } from './connect.js';
import { fakeBinary } from './fake-binary.fixture.js';
import { startNatsServer, type RunningServer } from './start.js';

let folder: string;
let running: RunningServer[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postrider-start-'));
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map((server) => server.stop()));
  rmSync(folder, { recursive: true });
});

async function start(
  options: Omit<Parameters<typeof startNatsServer>[0], 'storeDir'> & { at?: string } = {},
) {
  const server = await startNatsServer({ ...options, storeDir: join(folder, options.at ?? 'nats') });
  running.push(server);
  return server;
}

test('answers with JetStream; keeps what was stored over a stop and over a kill', async () => {
  let server = await start();
  expect(await askServer(server.address, 'spec')).toEqual({ version: server.version, jetStream: true });
  const first = await connectNats(server.address, 'spec');
  await (await first.jetstreamManager()).streams.add({ name: 'S', subjects: ['s'] });
  await first.jetstream().publish('s', 'one');
  await first.close();
  await server.stop();
  server = await start();
  const second = await connectNats(server.address, 'spec');
  await second.jetstream().publish('s', 'two');
  await second.close();
  server.kill();
  await server.exited;
  server = await start();
  const third = await connectNats(server.address, 'spec');
  expect((await (await third.jetstreamManager()).streams.info('S')).state.messages).toBe(2);
  await third.close();
});

test('several at once each have a port of their own', async () => {
  const servers = await Promise.all(['a', 'b', 'c', 'd'].map((at) => start({ at })));
  expect(new Set(servers.map(({ port }) => port)).size).toBe(4);
});

test('credentials are asked for, and nobody else can read them', async () => {
  const { address } = await start({ user: 'postrider', password: 'a "quoted" one' });
  expect((await askServer(address, 'spec')).jetStream).toBe(true);
  await expect(askServer({ servers: address.servers }, 'spec')).rejects.toThrow(/authorization/i);
  expect(statSync(join(folder, 'nats')).mode & 0o777).toBe(0o700);
  expect(statSync(join(folder, 'nats/nats-server.conf')).mode & 0o777).toBe(0o600);
});

test('a port that is taken', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  await expect(start({ port })).rejects.toThrow(/did not come up.*address already in use/);
  other.close();
});

test.each([
  ['too old', '2.9.0', /nats-server 2\.9\.0, too old: 2\.10\.27 at least/],
  ['no server', 'x', /is no nats-server that runs here/],
  ['a server that ends at once', '2.15.1', /did not come up: nats-server: v2\.15\.1/],
])('a binary that is %s', async (_, version, text) => {
  await expect(start({ binary: fakeBinary(join(folder, 'fake'), version) })).rejects.toThrow(text);
});
