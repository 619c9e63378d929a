import { expect, test } from 'vitest';
import type { RouteTarget } from '@postrider/mail';
import type { LocateAnswer } from '@postrider/protocol';
import { placementOf, questionOf, type LocatedTarget } from './placement.js';
import { exchangersName, fnv1a, shardOfSite, targetName } from './site-name.js';
import { domainOf } from './address.js';

const hostname = 'mx.example.org';
const exchangers = (...hosts: readonly [string, number][]): LocateAnswer => {
  const [first, ...rest] = hosts.map(([host, preference]) => ({
    host,
    preference,
    addresses: ['192.0.2.1'],
  }));
  return { result: 'exchangers', exchangers: [first!, ...rest], source: 'mx', ttl: 60_000 };
};
const mx: RouteTarget = { via: 'mx' };
const smtp = (host: string, port = 25): RouteTarget => ({ via: 'smtp', host, port });
const place = (located: readonly LocatedTarget[], name = hostname) => {
  const [first, ...rest] = located.map(({ target }) => target);
  return placementOf({ rule: '*', targets: [first!, ...rest] }, located, name);
};

test.each<[string, LocatedTarget[], object]>([
  [
    'an MX set, sorted',
    [{ target: mx, answer: exchangers(['b.test', 10], ['a.test', 20]) }],
    { kind: 'site', site: 'a.test,b.test' },
  ],
  [
    'null MX',
    [{ target: mx, answer: { result: 'null-mx', ttl: 1 } }],
    { kind: 'permanent', diagnostic: { status: '5.1.10' } },
  ],
  [
    'no such domain',
    [{ target: mx, answer: { result: 'no-such-domain', ttl: 1, text: 'NXDOMAIN' } }],
    { kind: 'permanent', diagnostic: { status: '5.1.2', text: 'NXDOMAIN' } },
  ],
  [
    'no answer',
    [{ target: mx, answer: { result: 'temporary', text: 'SERVFAIL' } }],
    { kind: 'temporary', diagnostic: { status: '4.4.3' } },
  ],
  [
    'we are the best exchanger',
    [{ target: mx, answer: exchangers([hostname, 10], ['b.test', 20]) }],
    { kind: 'permanent', diagnostic: { status: '5.4.6' } },
  ],
  [
    'a host by address',
    [{ target: smtp('192.0.2.7', 2525) }],
    { kind: 'site', site: 'smtp://192.0.2.7:2525' },
  ],
  ['an IPv6 address', [{ target: smtp('2001:db8::1') }], { kind: 'site', site: 'smtp://[2001:db8::1]:25' }],
  [
    'a named host that is not found waits',
    [{ target: smtp('hop.test'), answer: { result: 'no-such-domain', ttl: 1, text: 'NXDOMAIN' } }],
    { kind: 'temporary', diagnostic: { status: '4.4.3', text: 'next hop hop.test: NXDOMAIN' } },
  ],
  [
    'maildir',
    [{ target: { via: 'maildir', folder: '/m' } }],
    { site: 'maildir:/m', destination: { kind: 'maildir', folder: '/m' } },
  ],
  ['discard', [{ target: { via: 'discard' } }], { site: 'discard', destination: { kind: 'discard' } }],
  [
    'fail',
    [{ target: { via: 'fail', text: 'closed' } }],
    { kind: 'permanent', diagnostic: { status: '5.7.1', text: 'closed' } },
  ],
])('%s', (_, located, expected) => {
  expect(place(located)).toMatchObject(expected);
});

test('exchangers no better than ourselves are left out, the site keeps its name', () => {
  const placement = place([
    { target: mx, answer: exchangers(['a.test', 5], [hostname, 10], ['c.test', 20]) },
  ]);
  expect(placement).toMatchObject({ site: `a.test,c.test,${hostname}` });
  expect(
    placement.kind === 'site' && 'nextHops' in placement.destination && placement.destination.nextHops,
  ).toMatchObject([{ host: 'a.test', port: 25 }]);
});

test('fail-over keeps its order over targets', () => {
  const placement = place([
    { target: smtp('one.test', 26), answer: exchangers(['one.test', 0]) },
    { target: mx, answer: exchangers(['a.test', 10], ['b.test', 20]) },
    { target: smtp('192.0.2.9') },
  ]);
  expect(placement).toMatchObject({ site: 'smtp://one.test:26|a.test,b.test|smtp://192.0.2.9:25' });
  expect(
    placement.kind === 'site' && 'nextHops' in placement.destination && placement.destination.nextHops,
  ).toMatchObject([
    { host: 'one.test', port: 26, preference: 0 },
    { host: 'a.test', preference: 11 },
    { host: 'b.test', preference: 21 },
    { host: '192.0.2.9', preference: 22 },
  ]);
});

test('a target that can not be located is passed over', () => {
  const lost: LocatedTarget = { target: smtp('x.test'), answer: { result: 'temporary', text: 'SERVFAIL' } };
  expect(place([lost, { target: smtp('192.0.2.9') }])).toMatchObject({ site: 'smtp://192.0.2.9:25' });
});

test('without a full host name nothing is asked for mx, and mail waits', () => {
  expect(questionOf(mx, 'a.test', '')).toBeUndefined();
  expect(place([{ target: mx }], 'localhost')).toMatchObject({
    kind: 'temporary',
    diagnostic: { status: '4.3.5', text: 'outbound off: set hostname' },
  });
});

test.each<[RouteTarget, object | undefined]>([
  [mx, { ask: 'locate', domain: 'a.test' }],
  [
    { via: 'mx', domain: 'other.test' },
    { ask: 'locate', domain: 'other.test' },
  ],
  [smtp('hop.test'), { ask: 'resolve', host: 'hop.test' }],
  [smtp('192.0.2.1'), undefined],
  [{ via: 'discard' }, undefined],
])('question for %o', (target, expected) => {
  expect(questionOf(target, 'a.test', hostname)).toEqual(expected);
});

test('names of sites', () => {
  expect(exchangersName(['b', 'a', 'b'])).toBe('a,b');
  expect(targetName({ via: 'lmtp', host: 'localhost', port: 24 })).toBe('lmtp://localhost:24');
  expect(fnv1a('')).toBe(0x811c9dc5);
  expect(fnv1a('a')).toBe(0xe40c292c);
  expect(shardOfSite('a', ['0'])).toBe('0');
  expect(shardOfSite('a', [])).toBeUndefined();
});

test.each([
  ['a@B.Test', 'b.test'],
  ['"a@b"@c.test', 'c.test'],
  ['a@[192.0.2.1]', '[192.0.2.1]'],
  ['postmaster', ''],
])('domain of %s', (address, expected) => {
  expect(domainOf(address)).toBe(expected);
});
