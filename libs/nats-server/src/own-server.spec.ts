import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { askServer } from './ask-server.js';
import { findNatsServer } from './find.js';
import { readConnection, startOwnServer } from './own-server.js';
import type { RunningServer } from './start.js';

const mebibyte = 1024 * 1024;

let binary: string;
let dataDir: string;
let running: RunningServer[];
beforeAll(async () => {
  ({ binary } = await findNatsServer({ fetch: true }));
});
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'postrider-own-'));
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map((server) => server.stop()));
  rmSync(dataDir, { recursive: true });
});

async function start(maxFileStoreInOctets = 64 * mebibyte): Promise<RunningServer> {
  const server = await startOwnServer({ dataDir, binary, maxFileStoreInOctets });
  running.push(server);
  return server;
}

const settings = (): string => readFileSync(join(dataDir, 'nats/nats-server.conf'), 'utf8');

test('port and credentials are the same after a restart, and found by others', async () => {
  expect(readConnection(dataDir)).toBeUndefined();
  const first = await start();
  const address = readConnection(dataDir);
  expect(address).toEqual(first.address);
  expect(statSync(join(dataDir, 'nats/connection.json')).mode & 0o777).toBe(0o600);
  await first.stop();
  const second = await start();
  expect(second.address).toEqual(first.address);
  expect((await askServer(readConnection(dataDir)!, 'spec')).jetStream).toBe(true);
});

test('one that outlived its supervisor is ended first', async () => {
  const orphan = await start();
  const second = await start();
  await orphan.exited;
  expect(second.pid).not.toBe(orphan.pid);
  expect(second.port).toBe(orphan.port);
});

test('where the port was taken meanwhile, another one is noted', async () => {
  const first = await start();
  await first.stop();
  const other = createServer().listen(first.port, '127.0.0.1');
  await once(other, 'listening');
  const second = await start();
  expect(second.port).not.toBe(first.port);
  expect(readConnection(dataDir)).toEqual(second.address);
  other.close();
});

test('the room of streams that are there is never taken back', async () => {
  await (await start(128 * mebibyte)).stop();
  await (await start(64 * mebibyte)).stop();
  expect(settings()).toContain(`max_file_store: ${128 * mebibyte}`);
  await start(256 * mebibyte);
  expect(settings()).toContain(`max_file_store: ${256 * mebibyte}`);
});
