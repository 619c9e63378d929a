/** A name that the host knows is found however it fares with nameservers. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { getServers, setServers } from 'node:dns';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectNats } from './connect.js';
import { findNatsServer } from './find.js';

let server: ChildProcess | undefined;
let port = 0;

beforeAll(async () => {
  const { binary } = await findNatsServer({ fetch: true });
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  port = (probe.address() as AddressInfo).port;
  probe.close();
  await once(probe, 'close');
  server = spawn(binary, ['-a', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  while (!(await answers())) await new Promise((resolve) => setTimeout(resolve, 50));
});
afterAll(() => server?.kill());

function answers(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', () => resolve(true)).once('error', () => resolve(false));
    socket.once('data', () => socket.destroy());
  });
}

test('nameservers that say nothing keep nobody from a server that /etc/hosts names', async () => {
  const silent = createSocket('udp4').bind(0, '127.0.0.1');
  await once(silent, 'listening');
  const before = getServers();
  setServers([`127.0.0.1:${silent.address().port}`]);
  let asked = 0;
  silent.on('message', () => asked++);
  try {
    const connection = await connectNats({ servers: [`localhost:${port}`] }, 'test');
    await connection.flush();
    await connection.close();
    expect(asked).toBe(0);
  } finally {
    setServers(before);
    silent.close();
  }
});
