import { describe, expect, test } from 'vitest';
import { ClientLimits, clientOf } from './client-limits.js';

const limits = { connections: 2, connections_a_minute: 3, mails_a_minute: 2, recipients_a_minute: 0 };

function client(): { limits: ClientLimits; pass: (by: number) => void } {
  let time = 0;
  const own = new ClientLimits({
    now: () => time,
    limits: () => limits,
    isOurs: (a) => a.startsWith('127.'),
  });
  return { limits: own, pass: (by) => (time += by) };
}

test('so many at once, so many a minute', () => {
  const { limits: clients, pass } = client();
  const connects = (): boolean => clients.connected('192.0.2.1');
  expect([connects(), connects(), connects()]).toEqual([true, true, false]);
  clients.disconnected('192.0.2.1');
  expect([connects(), connects()]).toEqual([true, false]);
  clients.disconnected('192.0.2.1');
  expect(connects()).toBe(false);
  pass(60_000);
  expect([connects(), connects()]).toEqual([true, false]);
  expect(clients.connected('192.0.2.2')).toBe(true);
});

test('mails a minute; 0 is no limit; ours are not counted', () => {
  const { limits: clients } = client();
  const all = (address: string, what: 'mails' | 'recipients'): boolean[] =>
    Array.from({ length: 3 }, () => clients.counts(address, what));
  expect(all('192.0.2.1', 'mails')).toEqual([true, true, false]);
  expect(all('192.0.2.1', 'recipients')).toEqual([true, true, true]);
  expect(all('127.0.0.1', 'mails')).toEqual([true, true, true]);
});

describe('who is one client', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::', 'fe80:0:0:0'],
  ])('%s: %s', (address, expected) => {
    expect(clientOf(address)).toBe(expected);
  });
});
