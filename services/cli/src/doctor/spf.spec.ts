import fc from 'fast-check';
import { expect, test } from 'vitest';
import { judgeSpf } from './spf.js';

const own = ['192.0.2.7', '2001:db8::7'];

test.each<[string, readonly string[], string]>([
  ['192.0.2.7', [], 'no record'],
  ['192.0.2.7', ['hello', 'v=spf10 -all'], 'no record'],
  ['192.0.2.7', ['v=spf1 -all', 'v=spf1 a -all'], 'several records'],
  ['192.0.2.7', ['v=spf1 a -all'], 'pass'],
  ['2001:db8::7', ['v=spf1 a -all'], 'pass'],
  ['192.0.2.8', ['v=spf1 a -all'], 'fail'],
  ['192.0.2.8', ['v=spf1 ip4:192.0.2.0/24 -all'], 'pass'],
  ['192.0.2.8', ['V=SPF1 IP4:192.0.2.8 ~all'], 'pass'],
  ['2001:db8::9', ['v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/64 -all'], 'pass'],
  ['192.0.2.8', ['v=spf1 -ip4:192.0.2.8 +all'], 'fail'],
  ['192.0.2.8', ['v=spf1 ip4:192.0.2.0/99 ~all'], 'fail'],
  ['192.0.2.8', ['v=spf1'], 'fail'],
  ['192.0.2.8', ['v=spf1 include:provider.example -all'], 'not followed'],
  ['192.0.2.7', ['v=spf1 a:other.example -all'], 'not followed'],
  ['192.0.2.7', ['v=spf1 a include:provider.example -all'], 'pass'],
])('%s by %j: %s', (address, records, result) => {
  expect(judgeSpf(address, records, own)).toBe(result);
});

test('never throws, whatever stands in a TXT record', () => {
  fc.assert(
    fc.property(fc.array(fc.string().map((text) => `v=spf1 ${text}`)), fc.ipV4(), (records, address) => {
      judgeSpf(address, records, own);
    }),
  );
});
