/**
 * SIGTERM while next hops do not answer. At its limit a worker cuts a transfer before the final dot, so that the server has no
 * mail; one that waits for its reply counts as unknown (RFC 1047). The process ends in time, and both come out later.
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { startSink, type Sink } from '@postrider/testing';
import { afterAll, beforeAll, expect } from 'vitest';
import { freePort, startPostrider, type RunningPostrider } from '../running-postrider.js';
import { until } from './maildirs.js';
import { swaks, testWith } from './peers.js';

const test = testWith('swaks');

let postrider: RunningPostrider;
const servers: Server[] = [];
const sinks: Sink[] = [];
const sockets = new Set<Socket>();
const heard = { stalls: '', silent: '' };
const ports = { stalls: 0, silent: 0 };
/** More than the buffers of both ends take. */
const largeInOctets = 24 * 1024 * 1024;

/** Takes an envelope and says 354; then it reads nothing, or reads all and says nothing. */
async function stubborn(name: 'stalls' | 'silent', port: number): Promise<void> {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.write('220 stubborn.test\r\n');
    let inContent = false;
    socket.on('data', (octets: Buffer) => {
      heard[name] += octets.toString('latin1');
      if (inContent) return;
      for (const line of octets.toString('latin1').split('\r\n').slice(0, -1)) {
        inContent = line === 'DATA';
        socket.write(inContent ? '354 go\r\n' : '250 ok\r\n');
        if (inContent && name === 'stalls') socket.pause();
        if (inContent) return;
      }
    });
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  servers.push(server);
}

beforeAll(async () => {
  for (const name of ['stalls', 'silent'] as const) {
    ports[name] = await freePort();
    await stubborn(name, ports[name]);
  }
  postrider = await startPostrider([
    'hostname: postrider.example.org',
    'shutdown_timeout: 5s',
    'queue: { retry: { first: 1s, max: 2s } }',
    `routes: { stalls.test: "smtp://127.0.0.1:${ports.stalls}", silent.test: "smtp://127.0.0.1:${ports.silent}" }`,
  ]);
});
afterAll(async () => {
  await postrider.remove();
  for (const sink of sinks) await sink.stop();
});

const send = async (to: string, ...more: readonly string[]): Promise<void> => {
  const words = ['--to', to, '--from', 'me@localhost', ...more];
  expect((await swaks(postrider.port, ...words)).code).toBe(0);
};

test('cut before the final dot, or unknown behind it; the process ends by itself', async () => {
  await send('a@silent.test');
  const line = `${'x'.repeat(998)}\r\n`;
  const body = join(postrider.folder, 'body');
  writeFileSync(body, line.repeat(largeInOctets / line.length));
  await send('a@stalls.test', '--body', `@${body}`);
  await until('a mail that waits for its reply', () => heard.silent.endsWith('\r\n.\r\n'));
  await until('a transfer', () => heard.stalls.includes('DATA\r\n'));
  expect(await postrider.stop()).toBe(0);
  for (const socket of sockets) socket.resume();
  await until('the connections to end', () => [...sockets].every((socket) => socket.readableEnded));
  expect(heard.stalls).not.toContain('\r\n.\r\n');
  for (const server of servers) server.close();
  for (const socket of sockets) socket.destroy();
});

test('after the restart both come out, and the trace tells of the doubt', async () => {
  for (const name of ['stalls', 'silent'] as const) {
    sinks.push(await startSink({ port: ports[name] }));
  }
  await postrider.start();
  await until('both mails', () => sinks.every((sink) => sink.count() === 1), 100_000);
  const doubt = await postrider.command('trace', 'a@silent.test');
  expect(doubt.stdout).toContain('unknown');
  expect((await postrider.command('trace', 'a@stalls.test')).stdout).not.toContain('unknown');
});
