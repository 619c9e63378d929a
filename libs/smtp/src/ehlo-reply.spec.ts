import fc from 'fast-check';
import { expect, it, test } from 'vitest';
import { parseExtensions, sizeLimit } from './ehlo-reply.js';

it('reads keywords and parameters, whatever their case', () => {
  expect([
    ...parseExtensions([
      'mx.example.org greets you',
      'PIPELINING',
      'size 10240000',
      'AUTH=LOGIN PLAIN',
      'AUTH PLAIN LOGIN',
      ' 8BITMIME ',
      'X-THING a b',
      '',
      '?',
    ]),
  ]).toEqual([
    ['PIPELINING', ''],
    ['SIZE', '10240000'],
    ['AUTH', 'PLAIN LOGIN'],
    ['8BITMIME', ''],
    ['X-THING', 'a b'],
  ]);
});

it('takes the first line for the greeting', () => {
  expect(parseExtensions(['PIPELINING']).size).toBe(0);
  expect(parseExtensions([]).size).toBe(0);
});

test.each([
  ['SIZE 1000', 1000],
  ['SIZE', undefined],
  ['SIZE 0', undefined],
  ['SIZE -1', undefined],
  ['SIZE 1e3', undefined],
  ['SIZE 10 20', undefined],
  ['NOSIZE 1', undefined],
])('%s', (line, limit) => {
  expect(sizeLimit(parseExtensions(['mx', line]))).toBe(limit);
});

it('takes any lines', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (lines) => {
      for (const [keyword] of parseExtensions(lines)) expect(keyword).toMatch(/^[A-Z0-9][A-Z0-9-]*$/);
    }),
  );
});
