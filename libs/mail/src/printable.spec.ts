import { describe, expect, it } from 'vitest';
import { asciiLine, folded, textLine, wrapped } from './printable.js';

describe('one line', () => {
  it.each([
    ['550 No', '550 No', '550 No'],
    ['  a \r\n b\t\0c ', 'a b c', 'a b c'],
    ['grün', 'gr?n', 'grün'],
    ['a\u2028b\u202ec\u200bd', 'a b c d', 'a b c d'],
    ['😀', '?', '😀'],
    ['\ud800', '', ''],
    ['x'.repeat(2000), 'x'.repeat(900), 'x'.repeat(900)],
  ])('%j', (text, ascii, line) => {
    expect(asciiLine(text)).toBe(ascii);
    expect(textLine(text)).toBe(line);
  });
});

describe('wrapped', () => {
  it.each([
    ['', '  ', []],
    ['a b', '  ', ['  a b']],
    [`${'a'.repeat(40)} ${'b'.repeat(40)}`, '', ['a'.repeat(40), 'b'.repeat(40)]],
    ['x'.repeat(500), ' ', [` ${'x'.repeat(240)}`, ` ${'x'.repeat(240)}`, ` ${'x'.repeat(20)}`]],
  ])('%j after %j', (text, indent, expected) => {
    expect(wrapped(text, indent)).toEqual(expected);
  });
});

describe('folded', () => {
  it('goes on after a space', () => {
    expect(folded(`Name: ${'word '.repeat(30).trim()}`)).toEqual([
      `Name: ${'word '.repeat(14).trim()}`,
      ` ${'word '.repeat(15).trim()}`,
      ' word',
    ]);
  });
});
