import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headerSection, messageIdOf } from './header-section.js';

const limit = 64 * 1024;
const section = (content: string): string =>
  Buffer.from(headerSection(Buffer.from(content, 'latin1'))).toString('latin1');
const field = (length: number): string => `X: ${'x'.repeat(length - 5)}\r\n`;

describe('headerSection', () => {
  it.each([
    ['a mail', 'A: 1\r\nB: 2\r\n\r\nbody\r\n', 'A: 1\r\nB: 2\r\n'],
    ['a folded field', 'A: 1\r\n\t2\r\n\r\n', 'A: 1\r\n\t2\r\n'],
    ['octets above 127', 'A: \xfc\r\n\r\n', 'A: \xfc\r\n'],
    ['no empty line', 'A: 1\r\nB: 2\r\n', 'A: 1\r\nB: 2\r\n'],
    ['no line end', 'A: 1', 'A: 1\r\n'],
    ['no header', '\r\nbody\r\n\r\nmore', ''],
    ['nothing', '', ''],
    ['bare line ends', 'A: 1\nB: 2\rC: 3\r\n\r\n', 'A: 1 B: 2 C: 3\r\n'],
    ['NUL', 'A: 1\0\r\n\r\n', 'A: 1 \r\n'],
    ['a line of 998 octets', `${field(1000)}\r\n`, field(1000)],
    ['a line of 999 octets', `${field(1001)}\r\n`, `X: ${'x'.repeat(994)}\r\n xx\r\n`],
  ])('of %s', (_, content, expected) => {
    expect(section(content)).toBe(expected);
  });

  it('is cut between fields', () => {
    const folded = 'Y: 1\r\n\t2\r\n';
    const kept = field(900).repeat(72);
    expect(section(kept + folded.repeat(1000))).toBe(
      kept + folded.repeat(Math.floor((limit - kept.length) / folded.length)),
    );
    expect(section(`A: 1\r\n${'\t2\r\n'.repeat(50_000)}`)).toBe(
      'A: 1\r\n' + '\t2\r\n'.repeat((limit - 8) / 4 + 0),
    );
  });

  it('is fit to be sent, whatever it was made of', () => {
    const piece = fc.constantFrom('\r\n', '\r', '\n', '\0', ' ', '\t', 'A: 1', 'x'.repeat(600), '\xff', ':');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const lines = section(pieces.join('')).split('\r\n');
        expect(lines.pop()).toBe('');
        for (const line of lines) {
          expect(line).toMatch(/^[^\r\n\0]+$/);
          expect(line.length).toBeLessThanOrEqual(998);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('messageIdOf', () => {
  it.each([
    ['Message-ID: <a@b>\r\n', '<a@b>'],
    ['A: 1\r\nmessage-id:<a.b$c@d>  \r\nB: 2\r\n', '<a.b$c@d>'],
    ['Message-ID:\r\n <a@b>\r\n', '<a@b>'],
    ['Message-ID: a@b\r\n', undefined],
    ['Message-ID: <a b>\r\n', undefined],
    ['Message-ID: <a@b> <c@d>\r\n', undefined],
    [`Message-ID: <${'a'.repeat(300)}>\r\n`, undefined],
    ['X: Message-ID: <a@b>\r\n', undefined],
    ['', undefined],
  ])('%j: %s', (header, expected) => {
    expect(messageIdOf(Buffer.from(header))).toBe(expected);
  });
});
