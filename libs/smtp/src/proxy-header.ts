/**
 * The header by which a load balancer says for whom it has connected: PROXY protocol versions 1 and 2 (HAProxy,
 * proxy-protocol.txt §2). Given what has come so far, until it is whole.
 */
import { isIpv4, isIpv6 } from './address-syntax.js';

export type ProxyHeader =
  | { readonly result: 'more' }
  | { readonly result: 'bad' }
  /** `address` is absent where the connection is the balancer's own, or of a kind that has none. */
  | { readonly result: 'whole'; readonly lengthInOctets: number; readonly address?: string };

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const version1 = Buffer.from('PROXY ', 'latin1');
/** §2.1: with CRLF */
const version1InOctets = 107;
const version2HeadInOctets = 16;
/** Addresses and what a balancer may add; §2.2 allows 64 KiB. */
const version2BodyInOctets = 4096;

export function parseProxyHeader(octets: Buffer): ProxyHeader {
  if (startsLike(octets, signature)) return octets.length < signature.length ? more : binary(octets);
  if (startsLike(octets, version1)) return octets.length < version1.length ? more : text(octets);
  return bad;
}

const more: ProxyHeader = { result: 'more' };
const bad: ProxyHeader = { result: 'bad' };

/** As far as there are octets. */
function startsLike(octets: Buffer, expected: Buffer): boolean {
  const length = Math.min(octets.length, expected.length);
  return octets.subarray(0, length).equals(expected.subarray(0, length));
}

/** `PROXY TCP4 source destination port port`, or `PROXY UNKNOWN` and anything */
function text(octets: Buffer): ProxyHeader {
  const end = octets.indexOf('\r\n');
  if (end === -1 || end + 2 > version1InOctets)
    return octets.length < version1InOctets && end === -1 ? more : bad;
  const whole = { result: 'whole', lengthInOctets: end + 2 } as const;
  const [, family, ...fields] = octets.toString('latin1', 0, end).split(' ');
  if (family === 'UNKNOWN') return whole;
  const [source = '', destination = '', ...ports] = fields;
  const isAddress = family === 'TCP4' ? isIpv4 : family === 'TCP6' ? isIpv6 : () => false;
  const isPort = (port: string): boolean => /^(?:0|[1-9][0-9]{0,4})$/.test(port) && Number(port) <= 65535;
  if (!isAddress(source) || !isAddress(destination) || ports.length !== 2 || !ports.every(isPort)) return bad;
  return { ...whole, address: source.toLowerCase() };
}

/** §2.2 */
function binary(octets: Buffer): ProxyHeader {
  if (octets.length < version2HeadInOctets) return more;
  const [versionAndCommand = 0, family = 0] = octets.subarray(signature.length);
  const length = octets.readUInt16BE(signature.length + 2);
  if (versionAndCommand >> 4 !== 2 || length > version2BodyInOctets) return bad;
  if (octets.length < version2HeadInOctets + length) return more;
  const whole = { result: 'whole', lengthInOctets: version2HeadInOctets + length } as const;
  const isLocal = (versionAndCommand & 0x0f) === 0;
  if (isLocal) return whole;
  if ((versionAndCommand & 0x0f) !== 1) return bad;
  const body = octets.subarray(version2HeadInOctets);
  switch (family) {
    case 0x11:
      return length < 12 ? bad : { ...whole, address: body.subarray(0, 4).join('.') };
    case 0x21:
      return length < 36 ? bad : { ...whole, address: ipv6Text(body.subarray(0, 16)) };
    default:
      return whole;
  }
}

/** RFC 5952, as far as comparing and reading need it. */
function ipv6Text(octets: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, n) => octets.readUInt16BE(2 * n).toString(16));
  const text = groups.join(':');
  const zeros = [...text.matchAll(/(?:^|:)0(?::0)+(?=:|$)/g)].sort((a, b) => b[0].length - a[0].length)[0];
  if (!zeros) return text;
  const before = text.slice(0, zeros.index);
  return `${before}::${text.slice(zeros.index + zeros[0].length).replace(/^:/, '')}`;
}
