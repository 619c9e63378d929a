import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectNats } from './connect.js';
import { findNatsServer } from './find.js';
import { startNatsServer, type RunningServer } from './start.js';
import { watchStreams } from './stream-states.js';

let folder: string;
let server: RunningServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postrider-streams-'));
  const { binary } = await findNatsServer({ fetch: true });
  server = await startNatsServer({ binary, storeDir: folder, name: 'alone' });
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('streams of one server: it leads them, there is no other copy', async () => {
  const nats = await connectNats(server.address, 'spec');
  const manager = await nats.jetstreamManager();
  await manager.streams.add({ name: 'A-10', subjects: ['a'], max_bytes: 4096 });
  await manager.streams.add({ name: 'A-9', subjects: ['b'] });
  await nats.jetstream().publish('a', 'text');
  const watch = await watchStreams(server.address, 'spec');
  const states = await watch.states();
  expect(states.map(({ stream }) => stream)).toEqual(['A-9', 'A-10']);
  expect(states[1]).toMatchObject({ wanted: 1, messages: 1, maxOctets: 4096, lastSequence: 1, replicas: [] });
  expect(watch.server()).toEqual({ name: 'alone', version: server.version });
  await watch.close();
  await nats.close();
});
