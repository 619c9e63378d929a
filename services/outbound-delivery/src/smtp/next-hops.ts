/** Next hops in the order in which they are tried (RFC 5321 §5.1). */
import { isIP } from 'node:net';
import type { NextHop } from '@postrider/protocol';
import type { DeadAddresses } from './dead-addresses.js';

/** One address of one exchanger. */
export interface Peer {
  readonly host: string;
  readonly address: string;
  readonly port: number;
  /** See NextHop. */
  readonly unsigned?: true;
}

export interface Ordering {
  /** 4 and 6 by preference; others are left out. */
  readonly families: readonly number[];
  readonly dead: DeadAddresses;
  /** 0 to 1 */
  readonly random: () => number;
}

/** For diagnostics: `mx.example.org [192.0.2.1]:2525`. */
export function nameOf({ host, address, port }: Peer): string {
  const name = host === address ? `[${address}]` : `${host} [${address}]`;
  return port === smtpPort ? name : `${name}:${port}`;
}

const smtpPort = 25;

/**
 * By preference, equals shuffled to spread the load; of one host all addresses, in the order of families. Addresses that
 * did not answer lately come last.
 */
export function peersOf(nextHops: readonly NextHop[], { families, dead, random }: Ordering): readonly Peer[] {
  const ordered = nextHops
    .map((hop) => ({ hop, chance: random() }))
    .sort((a, b) => a.hop.preference - b.hop.preference || a.chance - b.chance);
  const rank = (address: string): number => families.indexOf(isIP(address));
  const peers = ordered.flatMap(({ hop: { host, port, addresses, unsigned } }) =>
    addresses
      .filter((address) => rank(address) !== -1)
      .sort((a, b) => rank(a) - rank(b))
      .map((address) => ({ host, address, port, ...(unsigned === true ? { unsigned } : {}) })),
  );
  return [...peers.filter((peer) => !dead.has(peer)), ...peers.filter((peer) => dead.has(peer))];
}
