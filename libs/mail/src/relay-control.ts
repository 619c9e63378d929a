/**
 * Who may send mail where (RFC 5321 §3.6.2, §7.9; RFC 2505 §2.1): to our local domains everybody, to the relay
 * domains everybody, elsewhere only clients of the relay networks. All of it is here; it asks nobody.
 */
import type { Mailbox } from '@postrider/smtp';
import { Networks, type AddressRange } from './network.js';

export interface RelayRules {
  readonly localDomains: ReadonlySet<string>;
  readonly relayDomains: ReadonlySet<string>;
  /** `.example.org`: all under it, not itself. */
  readonly relaySuffixes: readonly string[];
  readonly networks: Networks;
}

/** Why a client may send everywhere. */
export type RelayTrust = 'identity' | 'network';

/**
 * `local`: the alias table says who it is. `relay-domain`, `trusted` (the client may send everywhere): it goes on as it
 * is. `another-hop` and `stranger`: refused, since the local part names another hop, or nothing lets it through.
 */
export type RelayVerdict = 'local' | 'relay-domain' | 'trusted' | 'another-hop' | 'stranger';

/** Those of the configuration, domains in lower case. */
export interface RelaySettings {
  readonly local: { readonly domains: readonly string[] };
  readonly relay: { readonly domains: readonly string[]; readonly networks: readonly AddressRange[] };
}

export function relayRules({ local, relay }: RelaySettings): RelayRules {
  return {
    localDomains: new Set(local.domains),
    relayDomains: new Set(relay.domains.filter((domain) => !domain.startsWith('.'))),
    relaySuffixes: relay.domains.filter((domain) => domain.startsWith('.')),
    networks: new Networks(relay.networks),
  };
}

/** @param address of the client, IPv4 or IPv6 */
export function mayRelay(address: string, { networks }: RelayRules): boolean {
  return networks.has(address);
}

/**
 * @param identity of a client that has authenticated
 * @param address of the client, where its network counts
 */
export function relayTrust(
  { identity, address }: { readonly identity?: unknown; readonly address: string | undefined },
  rules: RelayRules,
): RelayTrust | undefined {
  if (identity !== undefined) return 'identity';
  return address !== undefined && mayRelay(address, rules) ? 'network' : undefined;
}

/** What an access rule `relay` adds: where it names no clients, local parts that name another hop stay refused. */
export const ruleTrusts = ({ clients }: { readonly clients: boolean }, mailbox: Mailbox): boolean =>
  clients || !namesAnotherHop(mailbox);

/**
 * @param trusted the client may relay
 * An address literal is never local: who may relay may send there.
 */
export function relayVerdict(mailbox: Mailbox, trusted: boolean, rules: RelayRules): RelayVerdict {
  if (!trusted && namesAnotherHop(mailbox)) return 'another-hop';
  if (rules.localDomains.has(mailbox.domain)) return 'local';
  if (isRelayDomain(mailbox.domain, rules)) return 'relay-domain';
  return trusted ? 'trusted' : 'stranger';
}

/**
 * Whether a domain is whole: a single label is only where we know it ourselves (RFC 6409 §4.2).
 * @param domain or an address literal
 */
export const isFullyQualified = (domain: string, rules: RelayRules): boolean =>
  /[.[]/.test(domain) || rules.localDomains.has(domain) || isRelayDomain(domain, rules);

/**
 * `user%elsewhere`, `elsewhere!user`, `"user@elsewhere"`: a host behind us that reads these would relay for whoever
 * we take them from (RFC 2505 §2.1).
 */
const namesAnotherHop = ({ localPart }: Mailbox): boolean => /[@%!]/.test(localPart);

function isRelayDomain(domain: string, { relayDomains, relaySuffixes }: RelayRules): boolean {
  return relayDomains.has(domain) || relaySuffixes.some((suffix) => domain.endsWith(suffix));
}
