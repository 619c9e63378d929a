import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RetryHeap } from './retry-heap.js';

test('gives out what is due first, whatever the order it came in', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 100 })), (times) => {
      const heap = new RetryHeap<number>();
      times.forEach((at, item) => heap.push({ at, item }));
      const given: number[] = [];
      for (let due = heap.pop(); due !== undefined; due = heap.pop()) given.push(due.at);
      expect(given).toEqual([...times].sort((a, b) => a - b));
    }),
    { numRuns: 200 },
  );
});
