/** Next hops in order until one takes mail (RFC 5321 §5.1): by preference, equals shuffled, each with all its addresses. */
import { isIP } from 'node:net';
import type { Diagnostic } from '@postrider/mail';
import type { NextHop } from '@postrider/protocol';
import { greet, type GreetOptions, type ReadySession } from './greet.js';
import type { Peer } from './smtp-connection.js';
import { ExchangerRefused, noAnswer, SessionLost } from './trouble.js';

/** None of the next hops takes mail. */
export class SiteFailed extends Error {
  constructor(
    readonly permanent: boolean,
    readonly diagnostic: Diagnostic,
  ) {
    super(diagnostic.text);
  }
}

/** Addresses tried for one channel: a site with many dead ones must not take hours (RFC 5321 §5.1 asks for two). */
const addressesTried = 8;

/** @throws SiteFailed */
export async function openSession(
  nextHops: readonly NextHop[],
  families: readonly number[],
  options: GreetOptions,
): Promise<ReadySession> {
  let temporary: Diagnostic | undefined;
  let permanent: Diagnostic | undefined;
  for (const peer of peersOf(nextHops, families).slice(0, addressesTried)) {
    try {
      return await greet(peer, options);
    } catch (error) {
      if (error instanceof ExchangerRefused && error.permanent) permanent ??= error.diagnostic;
      else if (error instanceof ExchangerRefused || error instanceof SessionLost)
        temporary ??= error.diagnostic;
      else throw error;
    }
  }
  // Only when every exchanger says 'never' is it never.
  if (temporary === undefined && permanent !== undefined) throw new SiteFailed(true, permanent);
  throw new SiteFailed(false, temporary ?? noAnswer('no address of a configured family (outbound.families)'));
}

export function peersOf(nextHops: readonly NextHop[], families: readonly number[]): readonly Peer[] {
  const keys = nextHops.map((hop) => ({ hop, order: hop.preference, chance: Math.random() }));
  // A list of fail-over targets has preference 0 throughout and keeps its order.
  const sameEverywhere = keys.every(({ order }) => order === 0);
  if (!sameEverywhere) keys.sort((a, b) => a.order - b.order || a.chance - b.chance);
  return keys.flatMap(({ hop: { host, port, addresses } }) =>
    addresses
      .filter((address) => families.includes(isIP(address)))
      .map((address) => ({ host, address, port })),
  );
}
