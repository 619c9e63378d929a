import { expect, test } from 'vitest';
import { traceField } from './trace-field.js';

const trace = { helo: 'c.example', hostname: 'mx.test', protocol: 'ESMTP', id: 'ID', at: 0 };
const dateOf = (at: number): string =>
  traceField({ ...trace, at })
    .trimEnd()
    .split('\t')
    .at(-1) ?? '';
const date = dateOf(0);

test.each([
  [
    { ...trace, address: '192.0.2.1', forwardPath: 'a@b.test' },
    `Received: from c.example ([192.0.2.1])\r\n\tby mx.test with ESMTP id ID\r\n\tfor <a@b.test>;\r\n\t${date}\r\n`,
  ],
  [
    { ...trace, address: '2001:db8::1' },
    `Received: from c.example ([IPv6:2001:db8::1])\r\n\tby mx.test with ESMTP id ID;\r\n\t${date}\r\n`,
  ],
  [
    { ...trace, address: '192.0.2.1', protocol: 'ESMTPSA', identity: 'ann@b.test' },
    `Received: from c.example ([192.0.2.1])\r\n\t(authenticated as ann@b.test)\r\n\tby mx.test with ESMTPSA id ID;\r\n\t${date}\r\n`,
  ],
  [
    { ...trace, identity: 'a) b' },
    `Received: from c.example\r\n\tby mx.test with ESMTP id ID;\r\n\t${date}\r\n`,
  ],
  [
    { ...trace, protocol: 'ESMTPS', tlsCipher: 'TLS_AES_256_GCM_SHA384', forwardPath: 'a@b.test' },
    `Received: from c.example\r\n\tby mx.test with ESMTPS id ID\r\n\tfor <a@b.test>\r\n\ttls TLS_AES_256_GCM_SHA384;\r\n\t${date}\r\n`,
  ],
  [trace, `Received: from c.example\r\n\tby mx.test with ESMTP id ID;\r\n\t${date}\r\n`],
])('%o', (given, expected) => {
  expect(traceField(given)).toBe(expected);
});

test('the date is that of RFC 5322 §3.3, and the time it says is the time given', () => {
  const at = 895_728_809_000;
  expect(dateOf(at)).toMatch(/^[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} [+-]\d{4}$/);
  expect(Date.parse(dateOf(at))).toBe(at);
  expect(Date.parse(dateOf(at + 999))).toBe(at);
  expect(Date.parse(dateOf(at + 1000))).toBe(at + 1000);
});
