import { expect, test } from 'vitest';
import { UsageError } from './command.js';
import { countOf, durationOf, parseFlags } from './flags.js';

test('every command takes --config and --json', () => {
  const { values, positionals } = parseFlags(['a', '-c', 'file', '--json', 'b'], {});
  expect(values).toEqual({ config: 'file', json: true });
  expect(positionals).toEqual(['a', 'b']);
});

test('flags of its own, also several times and with values that begin with a dash', () => {
  const { values } = parseFlags(['--to', 'a', '--to=-b', '-f'], {
    to: { type: 'string', multiple: true },
    follow: { type: 'boolean', short: 'f' },
  });
  expect(values).toEqual({ to: ['a', '-b'], follow: true });
});

test.each([[['--nonsense']], [['--config']], [['--json=yes']]])('%j is refused', (words) => {
  expect(() => parseFlags(words, {})).toThrow(UsageError);
});

test.each([
  ['30s', 30_000],
  ['10m', 600_000],
  ['2h', 7_200_000],
  ['1d', 86_400_000],
])('%s', (text, milliseconds) => expect(durationOf(text)).toBe(milliseconds));

test.each(['', '10', 'm', '-1m', '1.5h', '1 h', '10ms'])("'%s' is no duration", (text) => {
  expect(() => durationOf(text)).toThrow(UsageError);
});

test('a count is a whole number of 1 or more', () => {
  expect(countOf('limit', '100')).toBe(100);
  for (const text of ['', '0', '-1', '1.5', 'many', '9'.repeat(30)])
    expect(() => countOf('limit', text)).toThrow('--limit takes a number of 1 or more');
});
