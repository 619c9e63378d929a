/** A server that stands still and wakes: it took connections all the time, and none of them may come to life twice. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { NatsConnection } from 'nats';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectNats } from './connect.js';
import { findNatsServer } from './find.js';

/** Longer than it takes to notice (9 s) and for two dials to be given up (3 s each). */
const standsStillFor = 17_000;
let server: ChildProcess;
let servers: readonly string[];
const connections: NatsConnection[] = [];

beforeAll(async () => {
  const { binary } = await findNatsServer({ fetch: true });
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const { port } = free.address() as AddressInfo;
  free.close();
  server = spawn(binary, ['--addr', '127.0.0.1', '--port', String(port), '--user', 'u', '--pass', 'p'], {
    stdio: 'ignore',
  });
  servers = [`127.0.0.1:${port}`];
}, 60_000);
afterAll(async () => {
  await Promise.all(connections.map((connection) => connection.close()));
  server.kill('SIGKILL');
});

async function connected(): Promise<NatsConnection> {
  for (let tries = 0; ; tries++)
    try {
      const connection = await connectNats({ servers, user: 'u', password: 'p' }, 'spec');
      connections.push(connection);
      return connection;
    } catch (error) {
      if (tries === 100) throw error;
      await pause(100);
    }
}

function statusesOf(connection: NatsConnection): readonly string[] {
  const seen: string[] = [];
  void (async () => {
    for await (const { type } of connection.status()) seen.push(type);
  })();
  return seen;
}

test('what is asked afterwards is heard once, and who had much to say left it, too', async () => {
  const listener = await connected();
  let heard = 0;
  listener.subscribe('question', { callback: () => heard++ });
  const statuses = statusesOf(listener);
  const talker = await connected();
  const ofTalker = statusesOf(talker);
  await Promise.all([listener.flush(), talker.flush()]);
  server.kill('SIGSTOP');
  // More than the host's buffers hold.
  for (let n = 0; n < 32; n++) talker.publish('much', new Uint8Array(1_000_000));
  await pause(standsStillFor);
  expect(ofTalker).toContain('disconnect');
  server.kill('SIGCONT');
  // Dials that were given up would end now, by the server's limit of 2 s for CONNECT.
  await pause(5_000);
  const asker = await connected();
  asker.publish('question');
  await asker.flush();
  await pause(500);
  expect(heard).toBe(1);
  expect(statuses).not.toContain('error');
}, 60_000);
