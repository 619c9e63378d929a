import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isAscii, utf8Text } from './utf8.js';
import { parseUtf8Address, utf8AddressUnitext, utf8AddressXtext } from './utf8-address.js';

test.each([
  ['jörg@b.test', 'jörg@b.test'],
  ['j\\x{F6}rg@b.test', 'jörg@b.test'],
  ['a\\x{2B}b@b.test', 'a+b@b.test'],
  ['\\x{1F600}@b.test', '😀@b.test'],
  ['a+b@b.test', undefined],
  ['a b@b.test', undefined],
  ['a\\x{0A}@b.test', undefined],
  ['\\x{D800}@b.test', undefined],
  ['\\x{F', undefined],
  ['', undefined],
])('%s is %s', (text, expected) => {
  expect(parseUtf8Address(text)).toBe(expected);
});

test('both forms come back as they were, and xtext is US-ASCII', () => {
  const address = fc
    .string({ unit: 'grapheme', minLength: 1 })
    .filter((text) => !/[\p{Cc}\p{Cs}]/u.test(text));
  fc.assert(
    fc.property(address, (text) => {
      expect(parseUtf8Address(utf8AddressXtext(text))).toBe(text);
      expect(parseUtf8Address(utf8AddressUnitext(text))).toBe(text);
      expect(isAscii(utf8AddressXtext(text))).toBe(true);
    }),
  );
});

test('any octets are UTF-8 or they are not', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (octets) => {
      const text = utf8Text(Buffer.from(octets).toString('latin1'));
      if (text !== undefined) expect(Buffer.from(text)).toEqual(Buffer.from(octets));
      parseUtf8Address(text ?? '');
    }),
  );
});
