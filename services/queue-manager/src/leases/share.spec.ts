import { expect, test } from 'vitest';
import { shareOf, toHandOver, toTake } from './share.js';

test.each([
  [1, 1, 1],
  [4, 1, 4],
  [4, 2, 2],
  [4, 3, 2],
  [0, 3, 0],
  [8, 0, 8],
])('share of %i shards among %i', (shards, members, expected) => {
  expect(shareOf(shards, members)).toBe(expected);
});

const free = (names: Record<string, number>) => new Map(Object.entries(names));

test.each([
  ['all when alone', { owned: [], free: free({ a: 0, b: 0 }), shards: 2, members: 1 }, ['a', 'b']],
  ['up to its share', { owned: ['c'], free: free({ a: 0, b: 0 }), shards: 4, members: 2 }, ['a']],
  ['none above', { owned: ['c', 'd'], free: free({ a: 0 }), shards: 4, members: 2 }, []],
  [
    'above, when nobody else takes it',
    { owned: ['c', 'd'], free: free({ a: 9_000 }), shards: 4, members: 2 },
    ['a'],
  ],
])('takes %s', (_, claims, expected) => {
  expect(toTake(claims)).toEqual(expected);
});

test.each([
  ['nothing when alone', ['a', 'b'], 1, undefined],
  ['nothing within its share', ['a', 'b'], 2, undefined],
  ['one above its share', ['a', 'b', 'c', 'd'], 2, 'd'],
])('hands over %s', (_, owned, members, expected) => {
  expect(toHandOver({ owned, shards: 4, members, stays: () => false })).toBe(expected);
});

test.each([
  ['cd', 'b'],
  ['abcd', undefined],
])('nobody else takes %s: hands over %s', (untaken, expected) => {
  const stays = (shard: string): boolean => untaken.includes(shard);
  expect(toHandOver({ owned: ['a', 'b', 'c', 'd'], shards: 4, members: 2, stays })).toBe(expected);
});
