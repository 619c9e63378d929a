import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseCommandLine } from './command-line.js';
import { isString, parseEhloArgument, parseMailArguments, parseRcptArguments } from './command-syntax.js';

describe('command line', () => {
  test.each([
    ['EHLO example.org', 'EHLO', 'example.org'],
    ['mail FROM:<a@b>', 'MAIL', 'FROM:<a@b>'],
    ['QUIT', 'QUIT', ''],
    ['QUIT  \t', 'QUIT', ''],
    ['NOOP   some text ', 'NOOP', 'some text'],
    ['', '', ''],
    [' EHLO x', '', 'EHLO x'],
  ])('%j', (line, verb, argument) => {
    expect(parseCommandLine(line)).toEqual({ verb, argument });
  });
});

describe('EHLO', () => {
  test.each([
    ['Example.ORG', 'example.org'],
    ['localhost', 'localhost'],
    ['[192.0.2.1]', '[192.0.2.1]'],
    ['[192.0.2.1] some pc', '[192.0.2.1]'],
    ['[IPv6:2001:db8::1]', '[IPv6:2001:db8::1]'],
  ])('%s', (argument, value) => {
    expect(parseEhloArgument(argument)).toEqual({ ok: true, value });
  });
  test.each(['', 'a b', 'under_score', '[1.2.3.4', '-x', 'x.', '<x>', 'x\u00e4'])(
    'is refused: %j',
    (argument) => {
      expect(parseEhloArgument(argument).ok).toBe(false);
    },
  );
});

describe('MAIL', () => {
  test.each([
    ['FROM:<>', '', []],
    ['from:<a@B.test>', 'a@b.test', []],
    ['FROM: <a@b.test>', 'a@b.test', []],
    ['FROM:<@x,@y.test:a@b.test>', 'a@b.test', []],
    [
      'FROM:<a@b.test> SIZE=100 body=8BITMIME',
      'a@b.test',
      [
        ['SIZE', '100'],
        ['BODY', '8BITMIME'],
      ],
    ],
    ['FROM:<a@b.test> X-FLAG', 'a@b.test', [['X-FLAG', undefined]]],
  ] as const)('%s', (argument, reversePath, parameters) => {
    const parsed = parseMailArguments(argument);
    expect(parsed.ok && [parsed.value.reversePath, [...parsed.value.parameters]]).toEqual([
      reversePath,
      parameters,
    ]);
  });
  test.each([
    ['', 'command'],
    ['TO:<a@b>', 'command'],
    ['FROM a@b', 'command'],
    ['FROM :<a@b>', 'command'],
    ['FROM:', 'path'],
    ['FROM:a@b.test', 'path'],
    ['FROM:<a@b.test', 'path'],
    ['FROM:<a b@c>', 'path'],
    ['FROM:< >', 'path'],
    ['FROM:<@x:>', 'path'],
    ['FROM:<@x a@b>', 'path'],
    ['FROM:<postmaster>', 'path'],
    [`FROM:<${'a'.repeat(250)}@b.test>`, 'path'],
    ['FROM:<a@b>SIZE=1', 'parameters'],
    ['FROM:<a@b> SIZE=', 'parameters'],
    ['FROM:<a@b> SIZE=1=2', 'parameters'],
    ['FROM:<a@b> SIZE=1 SIZE=2', 'parameters'],
    ['FROM:<a@b> =x', 'parameters'],
    ['FROM:<a@b> -x', 'parameters'],
    ['FROM:<a@b>\tSIZE=1', 'parameters'],
  ])('is refused: %j', (argument, part) => {
    const parsed = parseMailArguments(argument);
    expect(!parsed.ok && parsed.part).toBe(part);
  });
});

describe('RCPT', () => {
  test.each([
    ['TO:<a@b.test>', 'a@b.test'],
    ['TO:<PostMaster>', 'postmaster'],
    ['TO:<Postmaster@B.test>', 'Postmaster@b.test'],
    ['to:<@x.test:a@b.test>', 'a@b.test'],
    ['TO:<"a b"@b.test>', '"a b"@b.test'],
  ])('%s', (argument, expected) => {
    const parsed = parseRcptArguments(argument);
    expect(parsed.ok).toBe(true);
    if (parsed.ok) {
      const { forwardPath } = parsed.value;
      expect(typeof forwardPath === 'string' ? forwardPath : forwardPath.text).toBe(expected);
    }
  });
  test.each(['TO:<>', 'TO:<user>', 'TO:user@b.test', 'TO:<a@b.test> ', 'FROM:<a@b.test>', 'TO:<a@b.test>x'])(
    'is refused: %j',
    (argument) => {
      expect(parseRcptArguments(argument).ok).toBe(false);
    },
  );
});

test.each([
  ['abc', true],
  ['"a b"', true],
  ['a b', false],
  ['', false],
])('String %j: %s', (text, expected) => {
  expect(isString(text)).toBe(expected);
});

test('no line makes a parser throw', () => {
  const octets = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    maxLength: 120,
  });
  const likely = fc.constantFrom(
    'FROM:<',
    'TO:<',
    '@',
    ':',
    '>',
    ' SIZE=',
    '"',
    '\\',
    '[IPv6:',
    ']',
    'a',
    '.',
    ',',
  );
  const line = fc.array(fc.oneof(likely, octets), { maxLength: 12 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(line, (text) => {
      const { argument } = parseCommandLine(text);
      for (const parse of [parseMailArguments, parseRcptArguments, parseEhloArgument]) {
        for (const given of [text, argument]) {
          const parsed = parse(given);
          if (!parsed.ok) expect(parsed.problem).not.toBe('');
        }
      }
    }),
    { numRuns: 3000 },
  );
});
