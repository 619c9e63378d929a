import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseXtext, printXtext } from './xtext.js';

test.each([
  ['', ''],
  ['plain', 'plain'],
  ['e+3Dmc2@example.com', 'e=mc2@example.com'],
  ['+2B+20', '+ '],
  ['a+', undefined],
  ['a+3d', undefined],
  ['a=b', undefined],
  ['a b', undefined],
  ['\u00e4', undefined],
])('%j stands for %j', (text, expected) => {
  expect(parseXtext(text)).toBe(expected);
});

test('any octets come back', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (octets) => {
      const text = Buffer.from(octets).toString('latin1');
      expect(printXtext(text)).toMatch(/^[\x21-\x7e]*$/);
      expect(parseXtext(printXtext(text))).toBe(text);
    }),
  );
});
