/** From an address to its name, which must lead back to it (RFC 1035 §3.5; RFC 8601 §2.7.3, iprev). */
import { isIPv4, isIPv6 } from 'node:net';
import type { ReverseAnswer } from '@postrider/protocol';
import type { LookUp } from './answer.js';
import { queryName } from './names.js';

/** An address with more names has none that means anything. */
const namesAsked = 5;
const noSuchAddress: ReverseAnswer = { result: 'none' };

export async function reverse(address: string, lookUp: LookUp): Promise<ReverseAnswer> {
  const zone = reverseName(address);
  if (zone === undefined) return noSuchAddress;
  const answer = await lookUp(zone, 'PTR');
  if (answer.kind === 'temporary') return { result: 'temporary', text: answer.text };
  if (answer.kind !== 'records') return noSuchAddress;
  let failure: string | undefined;
  for (const record of answer.records.slice(0, namesAsked)) {
    const name = queryName(record);
    if (name === undefined) continue;
    const forward = await lookUp(name, isIPv4(address) ? 'A' : 'AAAA');
    if (forward.kind === 'temporary') failure ??= forward.text;
    // Addresses of IPv6 are written in several ways; their reverse names are not.
    else if (forward.kind === 'records' && forward.records.some((one) => reverseName(one) === zone))
      return { result: 'name', name };
  }
  return failure === undefined ? noSuchAddress : { result: 'temporary', text: failure };
}

/** Below in-addr.arpa (RFC 1035 §3.5) or ip6.arpa (RFC 3596 §2.5). */
export function reverseName(address: string): string | undefined {
  if (isIPv4(address)) return `${address.split('.').reverse().join('.')}.in-addr.arpa`;
  if (!isIPv6(address) || address.includes('%')) return undefined;
  // With its last four octets in hexadecimal, all groups written out.
  const { hostname } = new URL(`http://[${address}]`);
  const [left = '', right] = hostname.slice(1, -1).split('::');
  const groups = (text: string): readonly string[] => (text === '' ? [] : text.split(':'));
  const before = groups(left);
  const after = groups(right ?? '');
  const missing = Array.from({ length: 8 - before.length - after.length }, () => '0');
  const all = [...before, ...missing, ...after].map((group) => group.padStart(4, '0')).join('');
  return `${Array.from(all).reverse().join('.')}.ip6.arpa`;
}
