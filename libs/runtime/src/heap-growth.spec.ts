import { expect, test } from 'vitest';
import { growthFor } from './heap-growth.js';

test.each([
  ['of a service that holds little', [30], 300],
  ['of one with garbage in it', [120, 30, 70, 110], 300],
  ['with some ten thousand mails or sessions', [90, 100, 120], 100],
  ['of a long queue', [600, 610], 20],
  ['of a queue that is becoming long', [30, 100, 200], 20],
])('a heap %s, %j MiB, may grow by %i percent', (_, used, percent) => {
  expect(growthFor(used.map((mebibytes) => mebibytes * 1024 * 1024))).toBe(percent);
});
