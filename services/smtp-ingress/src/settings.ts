/** What the service takes from the configuration, in the form that sessions use. */
import { hostname } from 'node:os';
import { Networks } from '@postrider/mail';
import type { Config } from '@postrider/runtime';
import { isDomain } from '@postrider/smtp';
import { relayRules, type RelayRules } from './policy/relay-control.js';

export interface Settings {
  /** Banner, EHLO, Received. */
  readonly hostname: string;
  /** Where mail for `<postmaster>` without a domain goes (RFC 5321 §4.5.1). */
  readonly postmaster: string;
  readonly limits: Config['limits'];
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
    privacy: config.privacy,
    relay: relayRules(config),
    priorityNetworks: new Networks(config.priority.networks),
  };
}

/** The machine's name may be none that SMTP allows: then nothing is claimed. */
function ownHostname(): string {
  const name = hostname().toLowerCase();
  return isDomain(name) ? name : 'localhost';
}
