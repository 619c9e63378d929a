import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DataScanner } from './data-scanner.js';

interface Scanned {
  readonly content: string;
  /** Octets after the end; undefined when it did not end. */
  readonly rest: string | undefined;
  readonly problem: string | undefined;
  readonly receivedFields: number;
}

function scan(chunks: readonly Buffer[]): Scanned {
  const pieces: Buffer[] = [];
  const scanner = new DataScanner((piece) => pieces.push(piece));
  let rest: string | undefined;
  for (const chunk of chunks) {
    if (rest !== undefined) rest += chunk.toString('latin1');
    else {
      const end = scanner.scan(chunk);
      if (end !== -1) rest = chunk.toString('latin1', end);
    }
  }
  const content = scanner.problem ? '' : Buffer.concat(pieces).toString('latin1');
  return { content, rest, problem: scanner.problem, receivedFields: scanner.receivedFields };
}

const splitAt = (text: string, at: number): Buffer[] => [
  Buffer.from(text.slice(0, at), 'latin1'),
  Buffer.from(text.slice(at), 'latin1'),
];

const one = (text: string): Buffer => Buffer.from(text, 'latin1');

describe.each([
  ['plain', 'a\r\n.\r\n', 'a\r\n', '', undefined],
  ['nothing', '.\r\n', '', '', undefined],
  ['an empty line', '\r\n.\r\n', '\r\n', '', undefined],
  ['stuffed dots', '..a\r\n...\r\n. b\r\n.\r\n', '.a\r\n..\r\n b\r\n', '', undefined],
  ['dots within', 'a.\r\nb.c\r\n.\r\n', 'a.\r\nb.c\r\n', '', undefined],
  ['a pipelined command', 'a\r\n.\r\nQUIT\r\n', 'a\r\n', 'QUIT\r\n', undefined],
  ['8 bits and tabs', '\u00ff\t\u0001\r\n\t\r\n.\r\n', '\u00ff\t\u0001\r\n\t\r\n', '', undefined],
  ['no end', 'a\r\n.\r', 'a\r\n', undefined, undefined],
  ['LF . LF', 'a\n.\nMAIL\r\n.\r\nX', '', 'X', 'bare-lf'],
  ['LF . CRLF', 'a\n.\r\nMAIL\r\n.\r\nX', '', 'X', 'bare-lf'],
  ['CRLF . LF', 'a\r\n.\nMAIL\r\n.\r\nX', '', 'X', 'bare-lf'],
  ['CR . CR', 'a\r.\rMAIL\r\n.\r\nX', '', 'X', 'bare-cr'],
  ['CR . CRLF', 'a\r.\r\nMAIL\r\n.\r\nX', '', 'X', 'bare-cr'],
  ['CRLF . CR', 'a\r\n.\rMAIL\r\n.\r\nX', '', 'X', 'bare-cr'],
  ['CRLF . CR CRLF', 'a\r\n.\r\r\nMAIL\r\n.\r\nX', '', 'X', 'bare-cr'],
  ['CRLF CR . CRLF', 'a\r\n\r.\r\nMAIL\r\n.\r\nX', '', 'X', 'bare-cr'],
  ['CRLF LF . CRLF', 'a\r\n\n.\r\nMAIL\r\n.\r\nX', '', 'X', 'bare-lf'],
  ['CRLF . NUL CRLF', 'a\r\n.\0\r\nMAIL\r\n.\r\nX', '', 'X', 'nul'],
  ['CRLF NUL . CRLF', 'a\r\n\0.\r\nMAIL\r\n.\r\nX', '', 'X', 'nul'],
  ['NUL', 'a\0b\r\n.\r\n', '', '', 'nul'],
  ['LF LF . LF LF', 'a\n\n.\n\nMAIL\r\n.\r\nX', '', 'X', 'bare-lf'],
])('%s', (_, data, ...expected) => {
  const [content, rest, problem] = expected;
  test('is read the same, wherever the packets end', () => {
    for (let at = 0; at <= data.length; at++)
      expect(scan(splitAt(data, at))).toMatchObject({ content, rest, problem });
    for (let at = 0; at < data.length; at++)
      for (let then = at; then < data.length; then++) {
        const chunks = [one(data.slice(0, at)), one(data.slice(at, then)), one(data.slice(then))];
        expect(scan(chunks)).toMatchObject({ content, rest, problem });
      }
  });
});

test.each([
  ['Received: a\r\nRECEIVED:b\r\nreceived: c\r\n\r\n', 3],
  ['Subject: x\r\nReceived: a\r\n\r\nReceived: in the body\r\n', 1],
  ['Received-SPF: pass\r\nX-Received: y\r\n Received: folded\r\n', 0],
  ['Received\r\n: a\r\n', 0],
  ['\r\nReceived: a\r\n', 0],
])('Received fields in %j: %i', (data, expected) => {
  for (let at = 0; at <= data.length; at++)
    expect(scan([...splitAt(data, at), one('.\r\n')]).receivedFields).toBe(expected);
});

test.each([
  [8, 'short\r\n123456\r\n.\r\n', undefined],
  [8, '1234567\r\n.\r\n', 'long-line'],
  [8, 'a\r\n..23456\r\n.\r\n', undefined],
  [8, '..234567\r\n.\r\n', 'long-line'],
  [8, 'that never ends', 'long-line'],
])('lines of %i octets: %j', (longestLine, data, problem) => {
  for (let at = 0; at <= data.length; at++) {
    const scanner = new DataScanner(() => undefined, { longestLine });
    for (const chunk of splitAt(data, at)) scanner.scan(chunk);
    expect(scanner.problem).toBe(problem);
  }
});

test('what is binary has no lines, below its header section', () => {
  const rules = { framing: 'binary', longestLine: 8 } as const;
  const body = new DataScanner(() => undefined, rules);
  body.scan(one('a: b\r\n\r\n1234567890'));
  expect(body.problem).toBeUndefined();
  const header = new DataScanner(() => undefined, rules);
  header.scan(one('Subject: long\r\n\r\n'));
  expect(header.problem).toBe('long-line');
});

test('it does not copy', () => {
  const chunk = one('abc\r\n');
  const pieces: Buffer[] = [];
  new DataScanner((piece) => pieces.push(piece)).scan(chunk);
  expect(pieces[0]?.buffer).toBe(chunk.buffer);
});

const parts = fc.array(
  fc.constantFrom(
    ...['\r\n', '\r', '\n', '.', '..', '\0', 'a', 'text', '\r\n.', '\r\n..', '\u00e4'],
    // Octets around those that a look at four at once must tell apart.
    ...['\u000b\u000c\u000e\u000f', '\u007f\u0080\u008d\u008e\u00ff', 'two lines\r\nof text\r\n'],
  ),
  {
    maxLength: 25,
  },
);

test('packets make no difference, whatever the octets are', () => {
  fc.assert(
    fc.property(parts, fc.array(fc.nat(10), { maxLength: 8 }), (texts, cuts) => {
      const whole = one(texts.join(''));
      const chunks: Buffer[] = [];
      let from = 0;
      for (const cut of cuts) {
        chunks.push(whole.subarray(from, from + cut));
        from = Math.min(from + cut, whole.length);
      }
      chunks.push(whole.subarray(from));
      expect(scan(chunks)).toEqual(scan([whole]));
    }),
    { numRuns: 3000 },
  );
});

const lines = fc.array(fc.string({ unit: fc.constantFrom('x', 'y', '\u00e4'), maxLength: 14 }));

test('a line that is too long is found, wherever it stands and packets end', () => {
  fc.assert(
    fc.property(lines, fc.nat(100), (texts, cut) => {
      const data = one(`\r\n${texts.map((text) => `${text}\r\n`).join('')}.\r\n`);
      const scanner = new DataScanner(() => undefined, { longestLine: 12 });
      if (scanner.scan(data.subarray(0, cut)) === -1) scanner.scan(data.subarray(cut));
      expect(scanner.problem).toBe(texts.some(({ length }) => length > 10) ? 'long-line' : undefined);
    }),
    { numRuns: 3000 },
  );
});

/** The rules of RFC 5321 §4.5.2 and §2.3.8 in the plainest form. */
function reference(text: string): Pick<Scanned, 'content' | 'rest'> & { readonly spoilt: boolean } {
  const end = text.startsWith('.\r\n') ? 0 : text.indexOf('\r\n.\r\n') + 2;
  const ended = end === 0 ? text.startsWith('.\r\n') : end !== 1;
  const data = ended ? text.slice(0, end) : text;
  const spoilt = /\r(?!\n)|(?<!\r)\n|\0/.test(data);
  const content = data.replace(/(^|\r\n)\./g, '$1');
  return { content: spoilt ? '' : content, rest: ended ? text.slice(end + 3) : undefined, spoilt };
}

test('it agrees with the plain rules', () => {
  fc.assert(
    fc.property(parts, (texts) => {
      const text = `${texts.join('')}\r\n.\r\nrest`;
      const expected = reference(text);
      const scanned = scan([one(text)]);
      expect(scanned).toMatchObject({ content: expected.content, rest: expected.rest });
      expect(scanned.problem !== undefined).toBe(expected.spoilt);
    }),
    { numRuns: 3000 },
  );
});

describe('in chunks of known size (RFC 3030 §2)', () => {
  test.each([
    ['a\r\n', 'a\r\n', undefined],
    ['a', 'a\r\n', undefined],
    ['', '', undefined],
    ['.\r\n..\r\na\r\n.\r\nb\r\n', '.\r\n..\r\na\r\n.\r\nb\r\n', undefined],
    ['a\nb\r\n', '', 'bare-lf'],
    ['a\rb\r\n', '', 'bare-cr'],
    ['a\r', '', 'bare-cr'],
    ['\r', '', 'bare-cr'],
    ['a\0\r\n', '', 'nul'],
    ['a\r\n.\r\nb\n.\r\n', '', 'bare-lf'],
  ])('%j, however it is cut', (data, expected, problem) => {
    for (let at = 0; at <= data.length; at++) {
      const pieces: Buffer[] = [];
      const scanner = new DataScanner((piece) => pieces.push(Buffer.from(piece)), { framing: 'chunks' });
      for (const part of splitAt(data, at)) expect(scanner.scan(part)).toBe(-1);
      scanner.end();
      expect(scanner.problem).toBe(problem);
      if (problem === undefined) expect(Buffer.concat(pieces).toString('latin1')).toBe(expected);
    }
  });
});
