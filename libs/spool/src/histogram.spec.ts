import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Histogram } from './histogram.js';

test('counts up to each bound, and what is above all', () => {
  const histogram = new Histogram([1, 5, 10]);
  for (const value of [0, 1, 3, 5, 7, 100]) histogram.observe(value);
  expect(histogram.figure()).toEqual({ upTo: { '1': 2, '5': 4, '10': 5 }, count: 6, sum: 116 });
});

test('never falls from bound to bound, and counts all', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 })), (values) => {
      const histogram = new Histogram([2, 4, 8]);
      for (const value of values) histogram.observe(value);
      const { upTo, count, sum } = histogram.figure();
      const of = (bound: number): number => values.filter((value) => value <= bound).length;
      expect([upTo['2'], upTo['4'], upTo['8'], count]).toEqual([of(2), of(4), of(8), values.length]);
      expect(sum).toBe(values.reduce((total, value) => total + value, 0));
    }),
  );
});
