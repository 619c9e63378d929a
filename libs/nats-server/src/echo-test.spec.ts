import fc from 'fast-check';
import { expect, test } from 'vitest';
import { largerThanFirst } from './echo-test.js';

const both = (...pairs: readonly (readonly [number, number])[]): ReadonlySet<string> =>
  new Set(pairs.flatMap(([a, b]) => [`${a} ${b}`, `${b} ${a}`]));

test.each([
  ['all hear all', 3, both([0, 1], [0, 2], [1, 2]), []],
  ['ours is alone, the others are not', 3, both([1, 2]), [1, 2]],
  ['ours is with the most', 3, both([0, 2]), []],
  ['nobody hears anybody: no side is better', 3, both(), []],
  ['two servers that are cut apart', 2, both(), []],
  ['heard in one direction is not together', 3, new Set(['0 1', '0 2', '1 2', '2 1']), [1, 2]],
  ['by way of a third', 4, both([0, 1], [1, 2], [2, 3]), []],
  ['two against three', 5, both([0, 1], [2, 3], [3, 4]), [2, 3, 4]],
])('%s', (_, count, heard, expected) => {
  expect([...largerThanFirst(count, heard)].sort()).toEqual(expected);
});

test('it never sends us to fewer than we are with', () => {
  const edges = fc.array(fc.tuple(fc.nat(5), fc.nat(5)), { maxLength: 15 });
  fc.assert(
    fc.property(edges, (pairs) => {
      const heard = both(...pairs);
      const found = largerThanFirst(6, heard);
      expect(found).not.toContain(0);
      if (found.length > 0) expect(found.length).toBeGreaterThan(1);
    }),
  );
});
