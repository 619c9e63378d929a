import { Servers } from 'nats/lib/nats-base-client/servers.js';
import { expect, test } from 'vitest';
import { mendClientLibrary } from './client-library.js';

function selected(servers: Servers, times: number): readonly (string | undefined)[] {
  return Array.from({ length: times }, () => servers.selectServer()?.listen);
}

// Fails when the library's own order is that already, or another: then the mending is to be looked at again.
test('the library dials the server that it has lost first, and with the mending last', () => {
  const all = ['192.0.2.1:4222', '192.0.2.2:4222', '192.0.2.3:4222'];
  const [first, second, third] = all;
  expect(selected(new Servers(all), 4)).toEqual([first, first, second, third]);
  mendClientLibrary();
  mendClientLibrary();
  expect(selected(new Servers(all), 6)).toEqual([first, second, third, first, second, third]);
});

test('an only one is dialled again', () => {
  mendClientLibrary();
  expect(selected(new Servers(['192.0.2.1:4222']), 3)).toEqual(Array(3).fill('192.0.2.1:4222'));
});
