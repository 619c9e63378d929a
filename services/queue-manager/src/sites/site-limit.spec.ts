import { manualClock } from '@postrider/actor';
import { times } from '@postrider/protocol';
import { expect, test } from 'vitest';
import { shareOf, SiteLimit } from './site-limit.js';

const rules = { limit: 20, learning: false, atMost: 20, turnOver: false };
const claim = (granted: number, want: number, holding = granted) => ({ granted, want, holding });

interface Case {
  readonly name: string;
  readonly asked: readonly [holding: number, want: number];
  readonly others: readonly ReturnType<typeof claim>[];
  readonly changed?: Partial<typeof rules>;
  readonly channels: number;
}

const crowd = [claim(0, 9), claim(1, 9)];
test.each<Case>([
  { name: 'alone, little wanted', asked: [0, 3], others: [], channels: 3 },
  { name: 'alone, much wanted', asked: [0, 90], others: [], channels: 20 },
  { name: 'beside one that wants no more', asked: [0, 90], others: [claim(5, 5)], channels: 15 },
  { name: 'beside one that wants more: half', asked: [0, 90], others: [claim(5, 90)], channels: 10 },
  { name: 'beside one that holds all', asked: [0, 9], others: [claim(20, 90)], channels: 0 },
  { name: 'beside one that still has to close', asked: [0, 9], others: [claim(10, 90, 20)], channels: 0 },
  { name: 'holds all, another waits: half', asked: [20, 90], others: [claim(0, 9)], channels: 10 },
  { name: 'more askers than channels', asked: [1, 9], others: crowd, changed: { limit: 2 }, channels: 1 },
  {
    name: 'more askers than channels, its turn is over',
    asked: [1, 9],
    others: crowd,
    changed: { limit: 2, turnOver: true },
    channels: 0,
  },
  {
    name: 'at first no more than an even share',
    asked: [0, 90],
    others: [],
    changed: { atMost: 5 },
    channels: 5,
  },
  { name: 'and what it holds', asked: [7, 90], others: [], changed: { atMost: 5 }, channels: 7 },
  { name: 'a new owner confirms', asked: [4, 9], others: [], changed: { learning: true }, channels: 4 },
  { name: 'a new owner gives nothing', asked: [0, 9], others: [], changed: { learning: true }, channels: 0 },
])('$name', ({ asked: [holding, want], others, changed, channels }) => {
  expect(shareOf({ holding, want }, others, { ...rules, ...changed })).toBe(channels);
});

const limitOf = (learning = 0) => {
  const clock = manualClock();
  return { clock, limit: new SiteLimit({ clock, limit: () => 20, shards: () => 4, learning }) };
};
const ask = (limit: SiteLimit, shard: string, [holding, want]: readonly [number, number], epoch = 1) =>
  limit.ask({ site: 's', shard, epoch, holding, want }).channels;

test('the sum over all shards stays at the limit, and evens out', () => {
  const { limit } = limitOf();
  const held = new Map<string, number>();
  for (let round = 0; round < 6; round++) {
    for (const shard of ['0', '1', '2', '3']) {
      held.set(shard, ask(limit, shard, [held.get(shard) ?? 0, 40]));
      expect([...held.values()].reduce((sum, n) => sum + n, 0)).toBeLessThanOrEqual(20);
    }
  }
  expect([...held.values()]).toEqual([5, 5, 5, 5]);
});

test('the grant of a shard that vanished counts until its next owner says what is held of it', async () => {
  const { limit, clock } = limitOf();
  expect(ask(limit, '0', [0, 20])).toBe(20);
  expect(ask(limit, '1', [0, 20])).toBe(0);
  expect([...limit.lapsed()]).toEqual([]);
  await clock.advance(times.grant + 1);
  expect([...limit.lapsed()]).toEqual(['0', '1']);
  await clock.advance(times.grant);
  expect(ask(limit, '1', [0, 20])).toBe(0);
  limit.claimed('0', 2, [{ site: 's', granted: 0, holding: 4 }]);
  expect(ask(limit, '1', [0, 20])).toBe(16);
  await clock.advance(times.grant + 1);
  limit.claimed('0', 2, []);
  expect(ask(limit, '1', [16, 20])).toBe(20);
});

test('a shard that nobody takes over does not count for ever', async () => {
  const { limit, clock } = limitOf();
  expect(ask(limit, '0', [0, 20])).toBe(20);
  await clock.advance(times.grant + 30_000);
  expect(ask(limit, '1', [0, 20])).toBe(20);
});

test('an older epoch of a shard gets nothing', () => {
  const { limit } = limitOf();
  expect(ask(limit, '0', [0, 5], 7)).toBe(5);
  expect(ask(limit, '0', [0, 5], 6)).toBe(0);
});

test('a new owner learns for a while, unless nobody can hold anything', async () => {
  expect(ask(limitOf().limit, '0', [0, 5])).toBe(5);
  const { limit, clock } = limitOf(times.grant);
  expect(ask(limit, '0', [0, 5])).toBe(0);
  expect(ask(limit, '1', [3, 5])).toBe(3);
  await clock.advance(times.grant);
  expect(ask(limit, '0', [0, 5])).toBe(5);
});

test('who asks a new owner first does not get what all others need', async () => {
  const { limit, clock } = limitOf(times.grant);
  limit.learnt();
  for (const shard of ['0', '1', '2', '3']) expect(ask(limit, shard, [0, 20])).toBe(5);
  for (const shard of ['1', '2', '3']) ask(limit, shard, [0, 0]);
  expect(ask(limit, '0', [5, 20])).toBe(5);
  await clock.advance(2_000);
  expect(ask(limit, '0', [5, 20])).toBe(20);
});

test('what a shard says of its grants counts, for as long as it may use them', async () => {
  const { limit, clock } = limitOf(times.grant);
  limit.claimed('1', 4, [{ site: 's', granted: 6, holding: 2 }]);
  limit.claimed('2', 1, [{ site: 's', granted: 0, holding: 3 }]);
  expect(ask(limit, '0', [0, 20])).toBe(0);
  limit.learnt();
  await clock.advance(2_000);
  expect(ask(limit, '0', [0, 20])).toBe(11);
  // One that has asked meanwhile goes by the larger answer.
  expect(ask(limit, '1', [2, 2], 4)).toBe(2);
  limit.claimed('1', 4, [{ site: 's', granted: 6, holding: 2 }]);
  expect(ask(limit, '0', [11, 20])).toBe(11);
  await clock.advance(times.grant);
  limit.claimed('1', 4, []);
  limit.claimed('2', 1, []);
  expect(ask(limit, '0', [11, 20])).toBe(20);
});

test('who asks a new owner waits until it has learnt, or for a second', async () => {
  const { limit, clock } = limitOf(times.grant);
  const request = { site: 's', shard: '0', epoch: 1, holding: 0, want: 5 };
  const first = limit.asked(request);
  await clock.advance(times.ask / 2);
  expect(await first).toMatchObject({ channels: 0 });
  const second = limit.asked(request);
  limit.learnt();
  expect(await second).toMatchObject({ channels: 5 });
});

test('what is more than an even share is to be asked for again soon', () => {
  const { limit } = limitOf();
  const request = { site: 's', shard: '0', epoch: 1, holding: 0 };
  expect(limit.ask({ ...request, want: 5 }).ample).toBeUndefined();
  expect(limit.ask({ ...request, want: 6 }).ample).toBe(true);
});

test('who waits for an owner that lets go waits no longer', async () => {
  const { limit } = limitOf(times.grant);
  const asked = limit.asked({ site: 's', shard: '0', epoch: 1, holding: 2, want: 5 });
  limit.end();
  expect(await asked).toBeUndefined();
});

test('it tells what is granted and held, and no more of a shard that vanished', async () => {
  const { limit, clock } = limitOf();
  ask(limit, '0', [2, 5]);
  ask(limit, '1', [1, 3]);
  expect(limit.states()).toEqual([{ site: 's', limit: 20, granted: 8, holding: 3 }]);
  await clock.advance(times.grant - 1);
  ask(limit, '1', [1, 1]);
  await clock.advance(times.channelIdle + 2);
  limit.claimed('0', 1, []);
  ask(limit, '1', [1, 1]);
  expect(limit.states()).toEqual([{ site: 's', limit: 20, granted: 1, holding: 1 }]);
});
