import fc from 'fast-check';
import { expect, test } from 'vitest';
import { contentOf, ContentReader, headerValue } from './content-reader.js';

/** Feeds the octets in pieces; gives the mail and what stands behind it. */
function readInPieces(wire: string, sizes: readonly number[]): { mail: string; rest: string } | undefined {
  const reader = new ContentReader(true);
  let rest = Buffer.from(wire, 'latin1');
  for (let index = 0; rest.length > 0; index++) {
    const size = sizes[index % sizes.length] ?? 1;
    const end = reader.read(rest.subarray(0, size));
    if (end !== undefined) {
      return { mail: reader.raw().toString('latin1'), rest: rest.subarray(end).toString('latin1') };
    }
    rest = rest.subarray(size);
  }
  return undefined;
}

test.each([
  ['a\r\n.\r\nQUIT\r\n', { mail: 'a\r\n.\r\n', rest: 'QUIT\r\n' }],
  ['.\r\n', { mail: '.\r\n', rest: '' }],
  ['\r\n..\r\n.\r\n.\r\n', { mail: '\r\n..\r\n.\r\n', rest: '.\r\n' }],
  ['a\n.\nb\r.\r\r\n.\r\n', { mail: 'a\n.\nb\r.\r\r\n.\r\n', rest: '' }],
  ['a\r\n.', undefined],
  ['a\n.\r\n', undefined],
])('%j', (wire, expected) => {
  for (const sizes of [[1], [2], [3], [1000], [1, 3, 2]]) expect(readInPieces(wire, sizes)).toEqual(expected);
});

test('pieces make no difference', () => {
  const octets = fc.stringMatching(/^[\r\n.a]{0,40}$/);
  fc.assert(
    fc.property(octets, fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), (wire, sizes) => {
      expect(readInPieces(wire, sizes)).toEqual(readInPieces(wire, [1000]));
    }),
  );
});

test.each([
  ['a\r\n..b\r\n.\r\n', 'a\r\n.b\r\n'],
  ['..\r\n.\r\n', '.\r\n'],
  ['.\r\n', ''],
])('content of %j', (raw, expected) => {
  expect(contentOf(Buffer.from(raw))).toBe(expected);
});

test.each([
  ['X-A: one\r\n\r\n', 'one'],
  ['From: a\r\nX-A:one \r\n\r\n', 'one'],
  ['X-AB: one\r\n\r\n', undefined],
  ['\r\nX-A', undefined],
])('header of %j', (raw, expected) => {
  expect(headerValue(Buffer.from(raw), 'X-A')).toBe(expected);
});
