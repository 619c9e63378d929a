import { expect, test } from 'vitest';
import { growthFor } from './heap-growth.js';

const mebibytes = (count: number): number => count * 1024 * 1024;

test.each([
  ['of a service that holds little', 30, 300],
  ['with some ten thousand mails or sessions', 100, 0],
  ['of a long queue', 600, 20],
])('a heap %s, %i MiB, may grow by %i percent (0: as V8 thinks)', (_, used, percent) => {
  expect(growthFor(mebibytes(used))).toBe(percent);
});
