import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseProxyHeader } from './proxy-header.js';

const signature = '0d0a0d0a000d0a515549540a';
const v2 = (hex: string): Buffer => Buffer.from(signature + hex.replaceAll(' ', ''), 'hex');
const after = (header: Buffer): Buffer => Buffer.concat([header, Buffer.from('EHLO x\r\n')]);

describe.each<[string, Buffer, string | undefined]>([
  ['TCP4', Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\n'), '192.0.2.1'],
  ['TCP6', Buffer.from('PROXY TCP6 2001:DB8::1 ::1 56324 25\r\n'), '2001:db8::1'],
  ['UNKNOWN', Buffer.from('PROXY UNKNOWN\r\n'), undefined],
  ['UNKNOWN with more', Buffer.from('PROXY UNKNOWN ffff:f... 65535\r\n'), undefined],
  ['binary TCP4', v2('21 11 000c c0000201 c6336401 dc04 0019'), '192.0.2.1'],
  ['binary TCP4 and more', v2('21 11 000f c0000201 c6336401 dc04 0019 040000'), '192.0.2.1'],
  [
    'binary TCP6',
    v2(`21 21 0024 20010db8000000000000000000000001 ${'00'.repeat(15)}01 dc04 0019`),
    '2001:db8::1',
  ],
  ['binary LOCAL', v2('20 00 0000'), undefined],
  ['binary UNSPEC', v2('21 00 0000'), undefined],
  ['binary, a Unix socket', v2(`21 31 00d8 ${'00'.repeat(216)}`), undefined],
])('%s', (_, header, address) => {
  test('is read to its end, and waits for it', () => {
    for (let length = 0; length < header.length; length++)
      expect(parseProxyHeader(header.subarray(0, length))).toEqual({ result: 'more' });
    const expected = { result: 'whole', lengthInOctets: header.length };
    expect(parseProxyHeader(after(header))).toEqual(
      address === undefined ? expected : { ...expected, address },
    );
  });
});

test.each([
  ['EHLO client.example\r\n'],
  ['PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n'],
  ['PROXY TCP4 192.0.2.1 198.51.100.1 56324 70000\r\n'],
  ['PROXY TCP4 192.0.2.256 198.51.100.1 1 1\r\n'],
  ['PROXY TCP4 ::1 ::1 1 1\r\n'],
  ['PROXY TCP6 192.0.2.1 ::1 1 1\r\n'],
  ['PROXY UDP4 192.0.2.1 198.51.100.1 1 1\r\n'],
  ['PROXY  TCP4 192.0.2.1 198.51.100.1 1 1\r\n'],
  [`PROXY UNKNOWN ${'x'.repeat(200)}\r\n`],
  ['proxy TCP4 192.0.2.1 198.51.100.1 1 1\r\n'],
])('%j is refused', (text) => {
  expect(parseProxyHeader(Buffer.from(text))).toEqual({ result: 'bad' });
});

test.each(['11 11 0000', '31 11 0000', '22 11 0000', '21 11 0004 00000000', '21 21 000c', '21 11 ffff'])(
  'binary %s is refused',
  (hex) => {
    expect(parseProxyHeader(Buffer.concat([v2(hex), Buffer.alloc(64)])).result).toBe('bad');
  },
);

test('any octets are read without a fault, and no further than they go', () => {
  const start = fc.constantFrom(Buffer.alloc(0), Buffer.from('PROXY TCP4 '), v2(''), v2('2121'), v2('2111'));
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 120 }), (head, octets) => {
      const all = Buffer.concat([head, octets]);
      const header = parseProxyHeader(all);
      if (header.result === 'whole') expect(header.lengthInOctets).toBeLessThanOrEqual(all.length);
    }),
  );
});
