import type { ReverseAnswer } from '@postrider/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Answer, LookUp, QueryType } from './answer.js';
import { reverse, reverseName } from './reverse.js';

test.each([
  ['192.0.2.7', '7.2.0.192.in-addr.arpa'],
  ['2001:db8::1', '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa'],
  ['::ffff:192.0.2.1', '1.0.2.0.0.0.0.c.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa'],
  ['fe80::1%eth0', undefined],
  ['nonsense', undefined],
])('%s: %s', (address, expected) => {
  expect(reverseName(address)).toBe(expected);
});

const zones: Readonly<Record<string, readonly string[] | 'temporary'>> = {
  '7.2.0.192.in-addr.arpa PTR': ['Mail.Example.Org'],
  'mail.example.org A': ['192.0.2.8', '192.0.2.7'],
  '8.2.0.192.in-addr.arpa PTR': ['forged.example.org'],
  'forged.example.org A': ['203.0.113.1'],
  '9.2.0.192.in-addr.arpa PTR': ['not a name', 'away.example.org', 'mail.example.org'],
  'away.example.org A': 'temporary',
  '10.2.0.192.in-addr.arpa PTR': 'temporary',
  [`${reverseName('2001:db8::1') ?? ''} PTR`]: ['six.example.org'],
  'six.example.org AAAA': ['2001:DB8:0:0:0:0:0:1'],
};
const lookUp = (<T extends QueryType>(name: string, type: T): Promise<Answer<T>> => {
  const records = zones[`${name} ${type}`];
  if (records === 'temporary') return Promise.resolve({ kind: 'temporary', text: 'SERVFAIL' });
  return Promise.resolve(
    records === undefined
      ? { kind: 'nxdomain', ttl: 1 }
      : { kind: 'records', records: records as unknown as readonly never[], ttl: 1 },
  );
}) satisfies LookUp;

test.each<[string, ReverseAnswer]>([
  ['192.0.2.7', { result: 'name', name: 'mail.example.org' }],
  ['192.0.2.8', { result: 'none' }],
  ['192.0.2.9', { result: 'temporary', text: 'SERVFAIL' }],
  ['192.0.2.10', { result: 'temporary', text: 'SERVFAIL' }],
  ['192.0.2.11', { result: 'none' }],
  ['2001:db8::1', { result: 'name', name: 'six.example.org' }],
  ['nonsense', { result: 'none' }],
])('%s: %j', async (address, expected) => {
  expect(await reverse(address, lookUp)).toEqual(expected);
});

test('every address has one reverse name', () => {
  fc.assert(
    fc.property(fc.ipV6(), (address) => {
      expect(reverseName(address)).toMatch(/^(?:[0-9a-f]\.){32}ip6\.arpa$/);
    }),
  );
});
