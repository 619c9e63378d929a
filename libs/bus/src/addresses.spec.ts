import { describe, expect, it } from 'vitest';
import { addressOf, isWithin, messageOf } from './addresses.js';

const pool = { name: 'dns-resolver', placement: 'pool' } as const;
const keyed = { name: 'shard', placement: 'keyed' } as const;

describe('addressOf', () => {
  it.each([
    [pool, undefined, 'mta.v1.dns-resolver'],
    [keyed, '0', 'mta.v1.shard.0'],
    [keyed, 'Ab-9_z', 'mta.v1.shard.Ab-9_z'],
  ])('%j with key %s is %s', (protocol, key, expected) => {
    expect(addressOf(protocol, key)).toBe(expected);
  });

  it.each([
    [pool, 'k', "dns-resolver is a pool and has no key; got 'k'"],
    [keyed, undefined, 'shard needs a key of letters, digits, - and _; got none'],
    [keyed, '', "shard needs a key of letters, digits, - and _; got ''"],
    [keyed, 'a.b', "shard needs a key of letters, digits, - and _; got 'a.b'"],
    [keyed, '>', "shard needs a key of letters, digits, - and _; got '>'"],
    [keyed, 'a b', "shard needs a key of letters, digits, - and _; got 'a b'"],
  ])('%j with key %s is refused', (protocol, key, expected) => {
    expect(() => addressOf(protocol, key)).toThrow(expected);
  });
});

describe('messageOf', () => {
  it.each([
    ['mta.v1.dns-resolver.locate', 'locate'],
    ['mta.v1.shard.0.report', 'report'],
  ])('%s is %s', (subject, expected) => {
    expect(messageOf(subject)).toBe(expected);
  });
});

describe('isWithin', () => {
  it.each([
    ['mta.events.a.b', 'mta.events.>', true],
    ['mta.events.a.b', 'mta.events.a.b', true],
    ['mta.events.a.b', 'mta.events.*.b', true],
    ['mta.events.a.b', '>', true],
    ['mta.events.a.b', 'mta.events.*', false],
    ['mta.events', 'mta.events.>', false],
    ['mta.events.a', 'mta.events.a.*', false],
    ['mta.events.a.b', 'mta.status.>', false],
    ['mta.events.a.b', 'mta.events.a.c', false],
  ])('%s in %s: %s', (subject, pattern, expected) => {
    expect(isWithin(subject, pattern)).toBe(expected);
  });
});
