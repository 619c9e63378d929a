/** Networks (RFC 4632, RFC 4291 §2.3) and whether an address is in one, without I/O. */
import { isIpv4 } from '@postrider/smtp';

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
  const isMapped = octets.length === 4 && address.includes(':');
  const longest = isMapped ? 128 : octets.length * 8;
  const written = bits === undefined ? longest : Number(bits);
  if (written > longest || (isMapped && written < mapped.prefix)) return undefined;
  return { octets, prefix: isMapped ? written - mapped.prefix : written };
}

/** Addresses of which it is remembered whether they are in: each command of a session asks again. */
const addressesKnown = 1_000;

/** Networks of both families, in which an address is looked up. */
export class Networks {
  readonly #ranges: readonly AddressRange[];
  readonly #known = new Map<string, boolean>();

  constructor(ranges: readonly AddressRange[]) {
    this.#ranges = ranges;
  }

  /** @param address IPv4 or IPv6; anything else is in no network */
  has(address: string): boolean {
    const known = this.#known.get(address);
    if (known !== undefined) return known;
    const octets = addressOctets(address);
    const isIn = octets !== undefined && this.#ranges.some((range) => isWithin(octets, range));
    if (this.#known.size >= addressesKnown) this.#known.clear();
    this.#known.set(address, isIn);
    return isIn;
  }
}

/** @param address IPv4 or IPv6; anything else is in no network */
export function isInNetwork(address: string, range: AddressRange): boolean {
  const octets = addressOctets(address);
  return octets !== undefined && isWithin(octets, range);
}

/** @returns whether all of `inner` is in `outer` */
export const coversNetwork = (outer: AddressRange, inner: AddressRange): boolean =>
  outer.prefix <= inner.prefix && isWithin(inner.octets, outer);

function isWithin(own: readonly number[], { octets, prefix }: AddressRange): boolean {
  if (own.length !== octets.length) return false;
  const whole = prefix >> 3;
  for (let n = 0; n < whole; n++) if (own[n] !== octets[n]) return false;
  const mask = 0xff00 >> (prefix & 7);
  return (((own[whole] ?? 0) ^ (octets[whole] ?? 0)) & mask & 0xff) === 0;
}

/** IPv4-mapped addresses (RFC 4291 §2.5.5.2): they are those of IPv4, whoever writes them. */
const mapped: AddressRange = {
  octets: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 0, 0, 0, 0],
  prefix: 96,
};

/** @returns 4 or 16 of them; undefined for what is no address */
export function addressOctets(text: string): readonly number[] | undefined {
  if (isIpv4(text)) return text.split('.').map(Number);
  const octets = ipv6Octets(text);
  return octets && isWithin(octets, mapped) ? octets.slice(12) : octets;
}

/** An IPv4-mapped address as IPv4, any other text as it is: a client has one name, whichever socket it came to. */
export function unmappedAddress(text: string): string {
  const octets = text.includes(':') ? addressOctets(text) : undefined;
  return octets?.length === 4 ? octets.join('.') : text;
}

/** RFC 4291 §2.2; an address literal of RFC 5321 §4.1.3 may be written in fewer ways. */
function ipv6Octets(text: string): readonly number[] | undefined {
  const [before, after, ...more] = text
    .split('::')
    .map((part, n, parts) => groupsOf(part, n === parts.length - 1));
  if (!before || more.length > 0) return undefined;
  if (!text.includes('::')) return before.length === 16 ? before : undefined;
  const missing = 16 - before.length - (after?.length ?? 16);
  return after && missing >= 2
    ? [...before, ...Array.from({ length: missing }, () => 0), ...after]
    : undefined;
}

/** @returns undefined when one is none; the last two of the address may be written as IPv4 */
function groupsOf(part: string, atEnd: boolean): readonly number[] | undefined {
  if (part === '') return [];
  const octets: number[] = [];
  const groups = part.split(':');
  for (const [n, group] of groups.entries()) {
    if (atEnd && n === groups.length - 1 && isIpv4(group)) octets.push(...group.split('.').map(Number));
    else if (/^[0-9A-Fa-f]{1,4}$/.test(group))
      octets.push(parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff);
    else return undefined;
  }
  return octets;
}
