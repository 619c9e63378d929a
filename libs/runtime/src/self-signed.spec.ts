import { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { expect, test } from 'vitest';
import { selfSigned } from './self-signed.js';

test.each([
  [['mx.test']],
  [['mx.test', 'other.test']],
  [Array.from({ length: 40 }, (_, i) => `host-${i}.example`)],
])('a certificate for %j', (names) => {
  const { key, cert } = selfSigned(names as [string, ...string[]]);
  const read = new X509Certificate(cert);
  for (const name of names) expect(read.checkHost(name)).toBe(name);
  expect(read.checkHost('no.test')).toBeUndefined();
  expect(read.verify(read.publicKey)).toBe(true);
  expect(Date.parse(read.validFrom)).toBeLessThan(Date.now());
  expect(Date.parse(read.validTo)).toBeGreaterThan(Date.now());
  createSecureContext({ key, cert });
});
