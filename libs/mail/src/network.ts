/** Networks (RFC 4632, RFC 4291 §2.3) and whether an address is in one, without I/O. */
import { isIpv4, isIpv6 } from '@postrider/smtp';

export interface AddressRange {
  readonly octets: readonly number[];
  /** Bits of the prefix. */
  readonly prefix: number;
}

/** `192.0.2.0/24`, `2001:db8::/32` or one address. @returns undefined for what is none */
export function parseNetwork(text: string): AddressRange | undefined {
  const [, address = '', bits] = /^([^/]+)(?:\/([0-9]{1,3}))?$/.exec(text) ?? [];
  const octets = addressOctets(address);
  if (!octets) return undefined;
  const prefix = bits === undefined ? octets.length * 8 : Number(bits);
  return prefix <= octets.length * 8 ? { octets, prefix } : undefined;
}

/** @param address IPv4 or IPv6; anything else is in no network */
export function isInNetwork(address: string, { octets, prefix }: AddressRange): boolean {
  const own = addressOctets(address);
  if (own?.length !== octets.length) return false;
  const whole = prefix >> 3;
  if (!own.slice(0, whole).every((octet, n) => octet === octets[n])) return false;
  const mask = 0xff00 >> (prefix & 7);
  return (((own[whole] ?? 0) ^ (octets[whole] ?? 0)) & mask & 0xff) === 0;
}

function addressOctets(text: string): readonly number[] | undefined {
  if (isIpv4(text)) return text.split('.').map(Number);
  if (!isIpv6(text)) return undefined;
  const [left = '', right] = text.split('::');
  const before = groupsOf(left);
  const after = groupsOf(right ?? '');
  const missing = right === undefined ? 0 : 16 - before.length - after.length;
  return [...before, ...Array.from({ length: missing }, () => 0), ...after];
}

const groupsOf = (part: string): readonly number[] =>
  part === ''
    ? []
    : part.split(':').flatMap((group) => {
        if (group.includes('.')) return group.split('.').map(Number);
        const value = parseInt(group, 16);
        return [value >> 8, value & 0xff];
      });
