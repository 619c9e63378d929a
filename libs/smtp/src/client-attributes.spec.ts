import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nameUnavailableNow, parseClientAddress, parseClientAttributes } from './client-attributes.js';

const known = ['NAME', 'ADDR', 'HELO'];

test.each<[string, readonly (readonly [string, string | undefined])[] | undefined]>([
  ['NAME=a.test', [['NAME', 'a.test']]],
  [
    'name=a.test  Addr=IPV6:2001:db8::1',
    [
      ['NAME', 'a.test'],
      ['ADDR', 'IPV6:2001:db8::1'],
    ],
  ],
  [
    'NAME=[Unavailable] ADDR=[TEMPUNAVAIL]',
    [
      ['NAME', undefined],
      ['ADDR', undefined],
    ],
  ],
  ['NAME=[TempUnavail]', [['NAME', nameUnavailableNow]]],
  ['HELO=a+20b', [['HELO', 'a b']]],
  ['HELO=a+0Db', undefined],
  ['', undefined],
  ['NAME', undefined],
  ['NAME=', undefined],
  ['OTHER=x', undefined],
  ['NAME=a NAME=b', undefined],
])('%j', (argument, expected) => {
  const attributes = parseClientAttributes(argument, known);
  expect(attributes && [...attributes]).toEqual(expected);
});

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['ipv6:2001:DB8::1', '2001:db8::1'],
  ['2001:db8::1', '2001:db8::1'],
  ['[192.0.2.1]', undefined],
  ['a.test', undefined],
  ['', undefined],
])('%s is the address %s', (text, expected) => {
  expect(parseClientAddress(text)).toBe(expected);
});

test('any text is read without a fault', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      parseClientAttributes(text, known);
      parseClientAddress(text);
    }),
  );
});
