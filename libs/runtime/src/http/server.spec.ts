import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { StartError } from '../service.js';
import { openHttp } from './server.js';

test('JSON and text, without the query; a page that throws is a 500', async () => {
  const port = await openHttp({ host: '127.0.0.1', port: 0 }, (path) => {
    if (path === '/fault') throw new Error('on fire');
    return path === '/text' ? { status: 200, body: 'a 1\n' } : { status: 503, body: { path } };
  });
  const base = `http://${port.listening[0]?.replace('http ', '') ?? ''}`;
  const text = await fetch(`${base}/text`);
  expect([text.status, await text.text()]).toEqual([200, 'a 1\n']);
  const json = await fetch(`${base}/x?y=1`);
  expect([json.status, await json.json()]).toEqual([503, { path: '/x' }]);
  expect((await fetch(`${base}/fault`)).status).toBe(500);
  await port.close();
});

test('a port that is taken', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const opening = openHttp({ host: '127.0.0.1', port }, () => ({ status: 200, body: '' }));
  await expect(opening).rejects.toThrow(StartError);
  await expect(opening).rejects.toThrow(`http.listen: 127.0.0.1:${port} is taken by another program`);
  other.close();
});

test('switched off', async () => {
  const port = await openHttp('', () => ({ status: 200, body: '' }));
  expect(port.listening).toEqual([]);
  await port.close();
});
