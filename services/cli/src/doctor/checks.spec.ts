import { expect, test } from 'vitest';
import { checkEhlo, checkExchanger, checkReverse, checkSpf, reverseName } from './checks.js';
import type { Dns } from './dns.js';

const zone = (records: Readonly<Record<string, readonly string[]>>): Dns => {
  const of =
    (type: string) =>
    (name: string): Promise<readonly string[]> =>
      Promise.resolve(records[`${name} ${type}`] ?? []);
  return { addresses: of('A'), names: of('PTR'), texts: of('TXT'), exchangers: of('MX') };
};
const ehlo = 'mx.example.org';
const egress = '192.0.2.7';
const good = zone({
  'mx.example.org A': [egress],
  '192.0.2.7 PTR': [ehlo],
  'mx.example.org TXT': ['v=spf1 a -all'],
  'example.org MX': [ehlo],
});
const nothing = zone({});

test('all is well', async () => {
  const findings = await Promise.all([
    checkEhlo(ehlo, good),
    checkReverse(egress, ehlo, good),
    checkSpf(egress, ehlo, good),
    checkExchanger('example.org', ehlo, good),
  ]);
  expect(findings.map(({ check, result }) => `${check}: ${result}`)).toEqual([
    'EHLO name: ok',
    'PTR: ok',
    'SPF of EHLO: ok',
    'MX of example.org: ok',
  ]);
});

test('what is missing comes with the record to publish', async () => {
  expect(await checkEhlo('pod-7', nothing)).toMatchObject({ result: 'wrong' });
  expect((await checkReverse(egress, ehlo, nothing)).publish).toMatch(
    /^7\.2\.0\.192\.in-addr\.arpa\. IN PTR mx\.example\.org\./,
  );
  expect((await checkSpf(egress, ehlo, nothing)).publish).toBe(
    'mx.example.org. IN TXT "v=spf1 ip4:192.0.2.7 -all"',
  );
  expect((await checkExchanger('example.org', ehlo, nothing)).publish).toBe(
    'example.org. IN MX 10 mx.example.org.',
  );
});

test('a PTR that does not come back, and one of another name', async () => {
  const elsewhere = zone({ '192.0.2.7 PTR': [ehlo], 'mx.example.org A': ['192.0.2.9'] });
  expect(await checkReverse(egress, ehlo, elsewhere)).toMatchObject({
    result: 'wrong',
    publish: 'mx.example.org. IN A 192.0.2.7',
  });
  const other = zone({ '192.0.2.7 PTR': ['node-7.provider.example'] });
  expect((await checkReverse(egress, ehlo, other)).text).toContain('not mx.example.org');
});

test('a nameserver that fails is no verdict', async () => {
  const broken: Dns = { ...nothing, names: () => Promise.reject(new Error('queryPtr ETIMEOUT')) };
  expect(await checkReverse(egress, ehlo, broken)).toEqual({
    check: 'PTR',
    result: 'unknown',
    text: 'queryPtr ETIMEOUT',
  });
});

test('names of the reverse zones', () => {
  expect(reverseName('2001:db8::7')).toBe(
    '7.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa',
  );
});
