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
  ['nothing when alone', { owned: 'ab', members: 1, untaken: '' }, undefined],
  ['nothing within its share', { owned: 'ab', members: 2, untaken: '' }, undefined],
  ['one above its share', { owned: 'abcd', members: 2, untaken: '' }, 'd'],
  ['another than what nobody else takes', { owned: 'abcd', members: 2, untaken: 'cd' }, 'b'],
  ['nothing when nobody else takes any', { owned: 'abcd', members: 2, untaken: 'abcd' }, undefined],
])('hands over %s', (_, { owned, members, untaken }, expected) => {
  const stays = (shard: string): boolean => untaken.includes(shard);
  expect(toHandOver({ owned: owned.split(''), shards: 4, members, stays })).toBe(expected);
});
