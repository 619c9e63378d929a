import fc from 'fast-check';
import { expect, it, test } from 'vitest';
import { DotStuffer, stuffed } from './dot-stuffing.js';

test.each([
  ['', ''],
  ['no dot\r\n', 'no dot\r\n'],
  ['.\r\n', '..\r\n'],
  ['..\r\n', '...\r\n'],
  ['a\r\n.\r\n', 'a\r\n..\r\n'],
  ['a\r\n.b\r\n.c\r\n', 'a\r\n..b\r\n..c\r\n'],
  ['\r\n.\r\n.\r\n', '\r\n..\r\n..\r\n'],
  ['a.b\r\n', 'a.b\r\n'],
  ['a\r\nb.\r\n', 'a\r\nb.\r\n'],
])('%j', (content, out) => {
  expect(stuffed(Buffer.from(content)).toString()).toBe(out);
});

it('gives the same buffer when there is nothing to add', () => {
  const content = Buffer.from('a.\r\nb\r\n');
  expect(stuffed(content)).toBe(content);
});

it('knows whether a line has ended', () => {
  const stuffer = new DotStuffer();
  const after = (text: string): boolean => {
    stuffer.push(Buffer.from(text));
    return stuffer.atLineStart;
  };
  expect(stuffer.atLineStart).toBe(true);
  expect(['a\r\n', 'b', '\r', '\n', '\n', ''].map(after)).toEqual([true, false, false, true, false, false]);
});
const content = fc
  .array(fc.constantFrom('.', '\r\n', 'a', '\r', '\n', '..', 'text'), { maxLength: 60 })
  .map((parts) => parts.join(''));
/** RFC 5321 §4.5.2, the receiver's side. */
const unstuffed = (text: string): string => `\r\n${text}`.replaceAll('\r\n.', '\r\n').slice(2);

it('is undone by the receiver, and leaves no line of a single dot', () => {
  fc.assert(
    fc.property(content, (text) => {
      const out = stuffed(Buffer.from(text)).toString();
      expect(unstuffed(out)).toBe(text);
      expect(`\r\n${out}`).not.toContain('\r\n.\r\n');
    }),
    { numRuns: 1000 },
  );
});

it('is the same in pieces', () => {
  fc.assert(
    fc.property(content, fc.array(fc.nat(20), { maxLength: 20 }), (text, sizes) => {
      const stuffer = new DotStuffer();
      const pieces: Buffer[] = [];
      let rest = Buffer.from(text);
      for (const size of [...sizes, text.length]) {
        pieces.push(stuffer.push(rest.subarray(0, size)));
        rest = rest.subarray(size);
      }
      expect(Buffer.concat(pieces).toString()).toBe(stuffed(Buffer.from(text)).toString());
    }),
    { numRuns: 1000 },
  );
});
