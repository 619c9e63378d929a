/** What relay control decides about a recipient, as a postmaster reads it. Pure. */
import {
  relayTrust,
  relayVerdict,
  ruleTrusts,
  type AccessAction,
  type AccessFacts,
  type RelayRules,
  type RelayTrust,
} from '@postrider/mail';
import type { Mailbox } from '@postrider/smtp';

export interface RelayDecision {
  readonly takes: boolean;
  /** A key of the configuration, where one is the reason. */
  readonly because:
    | 'local.domains'
    | 'relay.domains'
    | 'relay.networks'
    | 'authenticated'
    | 'rule'
    | 'names-another-hop'
    | 'stranger';
  readonly text: string;
}

/**
 * @param to the recipient of the facts
 * @param action of the rule that decides, if one does
 * @returns undefined where the rule leaves relay control nothing to decide
 */
export function relayDecision(
  facts: AccessFacts,
  to: Mailbox,
  action: AccessAction | undefined,
  rules: RelayRules,
): RelayDecision | undefined {
  if (action?.act === 'refuse' || action?.act === 'discard' || action?.act === 'redirect') return undefined;
  const { identity, client } = facts;
  const byRule = action?.act === 'relay' && ruleTrusts(action, to) ? 'rule' : undefined;
  // The address may count, since a listener that requires authentication is answered before (commands/access.ts).
  const trust = relayTrust({ identity, address: client }, rules) ?? byRule;
  const verdict = relayVerdict(to, trust !== undefined, rules);
  switch (verdict) {
    case 'local':
      return takes(
        'local.domains',
        `${to.domain} is in local.domains; whether ${to.text} is known there, local.users and the aliases say`,
      );
    case 'relay-domain':
      return takes('relay.domains', `${to.domain} is in relay.domains`);
    case 'trusted':
      return trusted(trust, facts);
    case 'another-hop':
      return refuses(
        'names-another-hop',
        `'${to.localPart}' names a host behind ours (by %, ! or @): only a client in relay.networks, or one that has authenticated, may send there`,
      );
    case 'stranger':
      return refuses(
        'stranger',
        `${to.domain} is in neither local.domains nor relay.domains, ${client} is not in relay.networks, and it has not authenticated`,
      );
  }
}

function trusted(trust: RelayTrust | 'rule' | undefined, { client, identity }: AccessFacts): RelayDecision {
  switch (trust) {
    case 'identity':
      return takes('authenticated', `who has authenticated (${identity ?? ''}) may send everywhere`);
    case 'network':
      return takes('relay.networks', `${client} is in relay.networks and may send everywhere`);
    default:
      return takes('rule', 'this rule lets it go anywhere');
  }
}

const takes = (because: RelayDecision['because'], text: string): RelayDecision => ({
  takes: true,
  because,
  text: `relay control takes it: ${text}`,
});

const refuses = (because: RelayDecision['because'], text: string): RelayDecision => ({
  takes: false,
  because,
  text: `relay control refuses it (550 5.7.1): ${text}`,
});
