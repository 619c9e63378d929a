import { manualClock } from '@postrider/actor';
import { expect, it, test } from 'vitest';
import { DeadAddresses } from './dead-addresses.js';
import { nameOf, peersOf } from './next-hops.js';

const hop = (host: string, preference: number, ...addresses: readonly string[]) => ({
  host,
  preference,
  addresses,
  port: 25,
});
const clock = manualClock();
const ordering = { families: [4, 6], dead: new DeadAddresses(clock), random: () => 0 };
const addressesOf = (peers: readonly { readonly address: string }[]): readonly string[] =>
  peers.map(({ address }) => address);

it('goes by preference', () => {
  const hops = [hop('b', 20, '192.0.2.2'), hop('a', 10, '192.0.2.1')];
  expect(addressesOf(peersOf(hops, ordering))).toEqual(['192.0.2.1', '192.0.2.2']);
});

it('shuffles equals', () => {
  const chances = [0.9, 0.1, 0.5];
  const hops = [hop('a', 10, '192.0.2.1'), hop('b', 10, '192.0.2.2'), hop('c', 10, '192.0.2.3')];
  const peers = peersOf(hops, { ...ordering, random: () => chances.shift() ?? 0 });
  expect(addressesOf(peers)).toEqual(['192.0.2.2', '192.0.2.3', '192.0.2.1']);
});

test.each([
  [
    [4, 6],
    ['192.0.2.1', '2001:db8::1'],
  ],
  [
    [6, 4],
    ['2001:db8::1', '192.0.2.1'],
  ],
  [[4], ['192.0.2.1']],
  [[6], ['2001:db8::1']],
])('families %j', (families, addresses) => {
  const hops = [hop('a', 10, '2001:db8::1', '192.0.2.1', 'not.an.address')];
  expect(addressesOf(peersOf(hops, { ...ordering, families }))).toEqual(addresses);
});

it('tries last what did not answer lately', async () => {
  const dead = new DeadAddresses(clock);
  const hops = [hop('a', 10, '192.0.2.1'), hop('b', 20, '192.0.2.2')];
  const order = (): readonly string[] => addressesOf(peersOf(hops, { ...ordering, dead }));
  dead.add({ host: 'a', address: '192.0.2.1', port: 25 });
  expect(order()).toEqual(['192.0.2.2', '192.0.2.1']);
  await clock.advance(60_000);
  expect(order()).toEqual(['192.0.2.1', '192.0.2.2']);
  dead.add({ host: 'a', address: '192.0.2.1', port: 25 });
  dead.remove({ host: 'a', address: '192.0.2.1', port: 25 });
  expect(order()).toEqual(['192.0.2.1', '192.0.2.2']);
});

test.each([
  [{ host: 'mx.test', address: '192.0.2.1', port: 25 }, 'mx.test [192.0.2.1]'],
  [{ host: '192.0.2.1', address: '192.0.2.1', port: 2525 }, '[192.0.2.1]:2525'],
])('%j is written %s', (peer, name) => {
  expect(nameOf(peer)).toBe(name);
});
