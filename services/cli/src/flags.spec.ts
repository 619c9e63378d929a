import { expect, test } from 'vitest';
import { UsageError } from './command.js';
import { countOf, durationOf, parseFlags } from './flags.js';

test('every command takes --config and --json', () => {
  const { values, positionals } = parseFlags(['a', '-c', 'file', '--json', 'b'], {}, 2);
  expect(values).toEqual({ config: 'file', json: true });
  expect(positionals).toEqual(['a', 'b']);
});

test('flags of its own, also several times and with values that begin with a dash', () => {
  const flags = { to: { type: 'string', multiple: true }, follow: { type: 'boolean', short: 'f' } } as const;
  const { values } = parseFlags(['--to', 'a', '--to=-b', '-f'], flags, 0);
  expect(values).toEqual({ to: ['a', '-b'], follow: true });
});

test.each([
  [['--nonsense'], "Unknown option '--nonsense'"],
  [['--config'], "Option '-c, --config <value>' argument missing"],
  [['--config', '--json'], "Option '--config' argument is ambiguous"],
  [['--json=yes'], "Option '--json' does not take an argument"],
  [['one', 'two'], "'two' is a word too many"],
])('%j is refused in one line', (words, text) => {
  expect(() => parseFlags(words, {}, 1)).toThrow(new UsageError(text));
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
