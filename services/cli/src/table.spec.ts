import { expect, test } from 'vitest';
import { clockTime, counted, elapsed, size, span, table } from './table.js';

test('columns are aligned, the last is left as it is, no line ends in blanks', () => {
  const rows = [
    ['id', 'state'],
    ['longer', 'x'],
    ['c', ''],
  ];
  expect(table(rows)).toBe('id      state\nlonger  x\nc');
  expect(table([])).toBe('');
});

test.each([
  [0, '0 s'],
  [119_000, '119 s'],
  [120_000, '2 min'],
  [7_200_000, '2 h'],
  [172_800_000, '2 d'],
])('span of %i', (milliseconds, text) => expect(span(milliseconds)).toBe(text));

test.each([
  [9_999, '9999 ms'],
  [10_000, '10 s'],
  [14_400_000, '4 h'],
])('elapsed %i', (milliseconds, text) => expect(elapsed(milliseconds)).toBe(text));

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1 KiB'],
  [50 * 1024 * 1024, '50.0 MiB'],
  [4 * 1024 ** 3, '4.0 GiB'],
])('size %i', (octets, text) => expect(size(octets)).toBe(text));

test.each([
  [0, '0 mails'],
  [1, '1 mail'],
  [2, '2 mails'],
])('%i counted', (count, text) => expect(counted(count, 'mail')).toBe(text));

test('times of another day bear their date', () => {
  const noon = new Date(2026, 0, 2, 12, 0, 5).getTime();
  expect(clockTime(noon, noon + 1000)).toBe('12:00:05');
  expect(clockTime(noon, noon + 86_400_000)).toBe('2026-01-02 12:00:05');
  expect(clockTime(NaN, noon)).toBe('?');
});
