import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limits } from './limits.js';
import { LineReader } from './line-reader.js';

/** Lines as text, problems as `!name`. */
function read(chunks: readonly Buffer[], maximum?: number): string[] {
  const reader = new LineReader();
  const found: string[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let line = reader.next(maximum); line; line = reader.next(maximum))
      found.push(line.kind === 'line' ? line.text : `!${line.problem}`);
  }
  return found;
}

const splitAt = (text: string, at: number): Buffer[] => [
  Buffer.from(text.slice(0, at), 'latin1'),
  Buffer.from(text.slice(at), 'latin1'),
];

describe.each([
  ['one line', 'NOOP\r\n', ['NOOP']],
  ['several at once', 'MAIL\r\nRCPT\r\nDATA\r\n', ['MAIL', 'RCPT', 'DATA']],
  ['an empty line', '\r\nNOOP\r\n', ['', 'NOOP']],
  ['an unfinished line', 'NOOP\r\nQUI', ['NOOP']],
  ['bare LF', 'NOOP\nQUIT\r\nRSET\r\n', ['!bare-lf', 'RSET']],
  ['bare LF at the beginning', '\nQUIT\r\nRSET\r\n', ['!bare-lf', 'RSET']],
  ['several bare LF', 'A\nB\nC\r\nRSET\r\n', ['!bare-lf', 'RSET']],
  ['bare CR', 'NO\rOP\r\nRSET\r\n', ['!bare-cr', 'RSET']],
  ['CR CR LF', 'NOOP\r\r\nRSET\r\n', ['!bare-cr', 'RSET']],
  ['NUL', 'NO\0OP\r\nRSET\r\n', ['!nul', 'RSET']],
  ['8 bits', 'NO\u00e4P\r\n', ['NO\u00e4P']],
  ['too long', `${'x'.repeat(30)}\r\nRSET\r\n`, ['!too-long', 'RSET']],
  ['too long with LF', `${'x'.repeat(30)}\ny\r\nRSET\r\n`, ['!too-long', 'RSET']],
  ['as long as may be', `${'x'.repeat(18)}\r\nRSET\r\n`, ['x'.repeat(18), 'RSET']],
  ['one octet more', `${'x'.repeat(19)}\r\nRSET\r\n`, ['!too-long', 'RSET']],
])('%s', (_, text, lines) => {
  test('is read the same, wherever the packets end', () => {
    for (let at = 0; at <= text.length; at++) expect(read(splitAt(text, at), 20)).toEqual(lines);
    expect(
      read(
        Array.from(text, (octet) => Buffer.from(octet, 'latin1')),
        20,
      ),
    ).toEqual(lines);
  });
});

test('a line of 512 octets is taken (RFC 5321 §4.5.3.1.4)', () => {
  const line = 'x'.repeat(510);
  expect(read([Buffer.from(`${line}\r\n`)])).toEqual([line]);
});

test('what never ends is told at once, and costs no memory', () => {
  const reader = new LineReader();
  for (let n = 0; n < 100; n++) {
    reader.push(Buffer.alloc(limits.commandLine, 'x'));
    reader.next();
    expect(reader.length).toBeLessThanOrEqual(limits.commandLine);
  }
});

test('what follows the lines is handed over untouched', () => {
  const reader = new LineReader();
  reader.push(Buffer.from('DATA\r\ncontent\r\n.\r\n'));
  expect(reader.next()).toEqual({ kind: 'line', text: 'DATA' });
  expect(reader.takeAll().toString()).toBe('content\r\n.\r\n');
  expect(reader.length).toBe(0);
  reader.push(Buffer.from('QUIT\r\n'));
  expect(reader.next()).toEqual({ kind: 'line', text: 'QUIT' });
});

test('packets make no difference, whatever the octets are', () => {
  const octets = fc.array(fc.constantFrom('\r', '\n', '\r\n', '\0', 'A', 'longer text'), { maxLength: 30 });
  fc.assert(
    fc.property(octets, fc.array(fc.nat(40), { maxLength: 6 }), (parts, cuts) => {
      const whole = Buffer.from(parts.join(''), 'latin1');
      const chunks: Buffer[] = [];
      let from = 0;
      for (const cut of cuts) {
        chunks.push(whole.subarray(from, from + cut));
        from = Math.min(from + cut, whole.length);
      }
      chunks.push(whole.subarray(from));
      expect(read(chunks, 20)).toEqual(read([whole], 20));
    }),
    { numRuns: 2000 },
  );
});
