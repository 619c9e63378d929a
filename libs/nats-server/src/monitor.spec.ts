import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { askMonitor } from './monitor.js';

let answer: unknown;
let server: Server;
let url: string;
beforeAll(async () => {
  server = createServer((_, response) => response.end(JSON.stringify(answer))).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => void server.close());

const named = { server_name: 'nats-0', version: '2.15.1' };
test.each<[config: object, sync: 'always' | number | undefined]>([
  [{ jetstream: { config: { sync_always: true, sync_interval: 120e9 } } }, 'always'],
  [{ jetstream: { config: { sync_interval: 120e9 } } }, 120_000],
  [{ jetstream: {} }, undefined],
])('%j: %s', async (config, sync) => {
  answer = { ...named, ...config };
  expect(await askMonitor(url)).toEqual({ server: 'nats-0', version: '2.15.1', sync });
});

test('something else that answers there', async () => {
  answer = {};
  await expect(askMonitor(url)).rejects.toThrow("no nats-server's");
});
