import { BlockList, isIP } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  addressOctets,
  coversNetwork,
  isInNetwork,
  Networks,
  parseNetwork,
  unmappedAddress,
} from './network.js';

test.each([
  ['0.0.0.0/0', '192.0.2.1', true],
  ['0.0.0.0/0', '::1', false],
  ['192.0.2.128/25', '192.0.2.127', false],
  ['192.0.2.128/25', '192.0.2.128', true],
  ['::ffff:192.0.2.0/120', '::ffff:c000:201', true],
  ['2001:db8::1', '2001:db8:0:0:0:0:0:1', true],
  ['2001:db8::1', 'nonsense', false],
  ['::ffff:192.0.2.0/120', '192.0.2.7', true],
  ['192.0.2.0/24', '::ffff:192.0.2.7', true],
  ['::/0', '192.0.2.7', false],
])('%s has %s: %s', (network, address, expected) => {
  expect(isInNetwork(address, parseNetwork(network)!)).toBe(expected);
});

test.each([
  ['10.0.0.0/8', '10.1.0.0/16', true],
  ['10.0.0.0/8', '10.0.0.0/8', true],
  ['10.1.0.0/16', '10.0.0.0/8', false],
  ['::/0', '10.0.0.0/8', false],
])('%s covers %s: %s', (outer, inner, expected) => {
  expect(coversNetwork(parseNetwork(outer)!, parseNetwork(inner)!)).toBe(expected);
});

test.each([
  '',
  '192.0.2.0/33',
  '2001:db8::/129',
  '::ffff:192.0.2.0/95',
  '192.0.2/24',
  '192.0.2.0/',
  'example.org',
  '::1/x',
])('%s is no network', (text) => expect(parseNetwork(text)).toBeUndefined());

const ipv4 = fc.ipV4();
// The list has IPv4 addresses in wide networks of IPv6, ::/8 and wider; ours are apart.
const ipv6 = fc.ipV6().filter((address) => (addressOctets(address)?.[0] ?? 0) !== 0);
const anyNetwork = fc.oneof(
  fc.tuple(ipv4, fc.nat({ max: 32 }), fc.constant('ipv4' as const)),
  fc.tuple(ipv6, fc.integer({ min: 8, max: 128 }), fc.constant('ipv6' as const)),
);
const mapped = ipv4.map((address) => `::ffff:${address}`);

test('addresses are found as by the list of node:net, IPv4-mapped ones too', () => {
  fc.assert(
    fc.property(
      fc.array(anyNetwork, { maxLength: 4 }),
      fc.oneof(ipv4, ipv6, mapped),
      fc.nat({ max: 4 }),
      (networks, other, pick) => {
        const list = new BlockList();
        for (const [address, prefix, family] of networks) list.addSubnet(address, prefix, family);
        const own = new Networks(networks.map(([address, prefix]) => parseNetwork(`${address}/${prefix}`)!));
        for (const address of [other, networks[pick]?.[0] ?? other])
          expect(own.has(address)).toBe(list.check(address, address.includes(':') ? 'ipv6' : 'ipv4'));
      },
    ),
  );
});

test.each(['1.2.3.4::', '::1.2.3.4:5', ':::', '1::2::3', '1:2:3:4:5:6:7:8::', '1:2:3:4:5:6:7'])(
  '%s is no address',
  (text) => expect([addressOctets(text), isIP(text)]).toEqual([undefined, 0]),
);

test('any text is a network or none', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const network = parseNetwork(text);
      if (network) expect(network.prefix).toBeLessThanOrEqual(network.octets.length * 8);
    }),
  );
});

test('an address is answered the same, however often and after however many others', () => {
  const range = parseNetwork('192.0.2.0/25');
  const own = new Networks(range ? [range] : []);
  const all = Array.from({ length: 2_000 }, (_, n) => `192.0.${2 + (n >> 8)}.${n & 255}`);
  const expected = all.map((_, n) => n < 128);
  for (let round = 0; round < 2; round++) expect(all.map((address) => own.has(address))).toEqual(expected);
  expect([own.has('no address'), own.has('no address')]).toEqual([false, false]);
});

test.each([
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::FFFF:c000:207', '192.0.2.7'],
  ['0:0:0:0:0:ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8::1', '2001:db8::1'],
  ['192.0.2.7', '192.0.2.7'],
  ['fe80::1%eth0', 'fe80::1%eth0'],
])('%s is written %s', (text, expected) => expect(unmappedAddress(text)).toBe(expected));
