import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { lookThroughPort25 } from './port-25.js';

let server: Server;
afterEach(() => server.close());

async function peer(greeting: string, ehloReply: string): Promise<number> {
  server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.write(greeting);
    socket.on('data', (data) => {
      if (data.toString().startsWith('EHLO')) socket.write(ehloReply);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as { port: number }).port;
}

test('what the peer sees', async () => {
  const port = await peer('220 hi\r\n', '250-hi at your service, [192.0.2.7]\r\n250 SIZE 1\r\n');
  expect(await lookThroughPort25('127.0.0.1', 'mx.example.org', { port })).toEqual({
    local: '127.0.0.1',
    byPeer: '192.0.2.7',
  });
});

test('a peer that does not say', async () => {
  const port = await peer('220-hi\r\n220 there\r\n', '250 hi\r\n');
  expect(await lookThroughPort25('127.0.0.1', 'mx.example.org', { port })).toEqual({ local: '127.0.0.1' });
});

test('a peer that wants nothing of us', async () => {
  const port = await peer('554 5.7.1 go away\r\n', '');
  await expect(lookThroughPort25('127.0.0.1', 'mx.example.org', { port })).rejects.toThrow(
    '554 5.7.1 go away',
  );
});
