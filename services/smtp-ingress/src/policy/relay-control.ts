/**
 * Who may send mail where (RFC 5321 §3.6.2, §7.9; RFC 2505 §2.1): to our local domains everybody, to the relay
 * domains everybody, elsewhere only clients of the relay networks. All of it is here; it asks nobody.
 */
import { Networks } from '@postrider/mail';
import type { Config } from '@postrider/runtime';
import type { Mailbox } from '@postrider/smtp';

export interface RelayRules {
  readonly localDomains: ReadonlySet<string>;
  readonly relayDomains: ReadonlySet<string>;
  /** `.example.org`: all under it, not itself. */
  readonly relaySuffixes: readonly string[];
  readonly networks: Networks;
}

/** `local`: the alias table says who it is. `relay`: it goes on as it is. */
export type RelayVerdict = 'local' | 'relay' | 'refused';

export function relayRules({ local, relay }: Pick<Config, 'local' | 'relay'>): RelayRules {
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
 * @param trusted the client may relay
 * An address literal is never local: who may relay may send there.
 */
export function relayVerdict(mailbox: Mailbox, trusted: boolean, rules: RelayRules): RelayVerdict {
  if (!trusted && namesAnotherHop(mailbox)) return 'refused';
  if (rules.localDomains.has(mailbox.domain)) return 'local';
  return trusted || isRelayDomain(mailbox.domain, rules) ? 'relay' : 'refused';
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
export const namesAnotherHop = ({ localPart }: Mailbox): boolean => /[@%!]/.test(localPart);

function isRelayDomain(domain: string, { relayDomains, relaySuffixes }: RelayRules): boolean {
  return relayDomains.has(domain) || relaySuffixes.some((suffix) => domain.endsWith(suffix));
}
