import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { TLSSocket, createSecureContext } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hostAndPort, serverCertificate } from './server-certificate.js';

const folder = mkdtempSync(join(tmpdir(), 'nats-certificate-'));
const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
const closing: (() => void)[] = [];
beforeAll(() => {
  const subject = ['-subj', '/CN=nats', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync('openssl', [...words, '-keyout', key, '-out', cert, '-days', '20', ...subject], {
    stdio: 'ignore',
  });
});
afterAll(() => {
  closing.forEach((close) => close());
  rmSync(folder, { recursive: true });
});

async function serverThat(greets: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    greets(socket);
  }).listen(0, '127.0.0.1');
  closing.push(() => server.close());
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const withTls = (socket: Socket): void => {
  socket.write('INFO {"server_id":"x","tls_required":true}\r\n');
  const secureContext = createSecureContext({ key: readFileSync(key), cert: readFileSync(cert) });
  new TLSSocket(socket, { isServer: true, secureContext }).on('error', () => undefined);
};

test.each([
  ['nats.example.org', 'nats.example.org', 4222],
  ['nats://127.0.0.1:4333', '127.0.0.1', 4333],
  ['[::1]:4223', '::1', 4223],
])('%s', (server, host, port) => {
  expect(hostAndPort(server)).toEqual({ host, port });
});

test('its end, by the authority that is named', async () => {
  const found = await serverCertificate(await serverThat(withTls), cert);
  const days = ((found?.end ?? 0) - Date.now()) / 86_400_000;
  expect(Math.round(days)).toBe(20);
});

test('of another authority: refused', async () => {
  await expect(serverCertificate(await serverThat(withTls))).rejects.toThrow(/self-signed/);
});

test('a server without TLS has none', async () => {
  const server = await serverThat((socket) => socket.write('INFO {"server_id":"x"}\r\n'));
  expect(await serverCertificate(server)).toBeUndefined();
});

test('one that hangs up', async () => {
  await expect(serverCertificate(await serverThat((socket) => socket.end()))).rejects.toThrow('hung up');
});
