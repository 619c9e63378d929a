/** What the service takes from the configuration, in the form that sessions use. */
import { hostname } from 'node:os';
import { Networks, relayRules, type RelayRules } from '@postrider/mail';
import type { Config, Listener } from '@postrider/runtime';
import { isDomain } from '@postrider/smtp';
import { namedRanges, type NamedRange } from './policy/network-limits.js';

export interface Settings {
  /** Banner, EHLO, Received. */
  readonly hostname: string;
  /** Where mail for `<postmaster>` without a domain goes (RFC 5321 §4.5.1). */
  readonly postmaster: string;
  readonly limits: Config['limits'];
  /** Those of `limits.networks`, in the order in which they are looked through. */
  readonly clientNetworks: readonly NamedRange[];
  readonly privacy: Config['privacy'];
  readonly relay: RelayRules;
  /** Whose mail may go before others' (RFC 6710 §4.1). */
  readonly priorityNetworks: Networks;
}

export function settingsOf(config: Config): Settings {
  const name = config.hostname || ownHostname();
  return {
    hostname: name,
    postmaster: config.postmaster || `postmaster@${config.local.domains[0] ?? name}`,
    limits: config.limits,
    clientNetworks: namedRanges(config.limits.networks),
    privacy: config.privacy,
    relay: relayRules(config),
    priorityNetworks: new Networks(config.priority.networks),
  };
}

type Own<T> = { readonly [K in keyof T]?: T[K] | undefined };

/** @returns the limits of a listener, or of a network: its own where it has some, else those of all */
export function withOwn<T extends object>(all: T, own: Own<T> | undefined): T {
  const set = Object.entries(own ?? {}).filter(([, value]) => value !== undefined);
  return set.length === 0 ? all : { ...all, ...Object.fromEntries(set) };
}

/** Those that a session looks at itself: connections, and what clients take, are counted for many. */
export const ofSession = (own: Listener['limits']): Own<Settings['limits']> => ({
  ...own,
  connections: undefined,
  per_client: undefined,
  networks: undefined,
});

/** The machine's name may be none that SMTP allows: then nothing is claimed. */
function ownHostname(): string {
  const name = hostname().toLowerCase();
  return isDomain(name) ? name : 'localhost';
}
