/** What all sessions of the process share. */
import type { Clock } from '@postrider/actor';
import type { MailId } from '@postrider/mail';
import type { ResolveAnswer } from '@postrider/protocol';
import type { Logger } from '@postrider/runtime';
import type { SpoolWriter } from '@postrider/spool';
import type { Admission } from './content/admission.js';
import type { ContentBudget } from './content/content-budget.js';
import type { QueueStart } from './queue-start.js';
import type { IngressEvents } from './events.js';
import type { ClientLimits } from './policy/client-limits.js';
import type { NetworkLimits } from './policy/network-limits.js';
import type { AccessRules } from './policy/access-rules.js';
import type { Settings } from './settings.js';

export interface Ingress {
  /** The configuration now in force. */
  settings: Settings;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: IngressEvents;
  readonly writer: SpoolWriter;
  readonly budget: ContentBudget;
  readonly admission: Admission;
  readonly newMailId: () => MailId;
  /** Asks alias-expander who a local address is. Rejects when there is no answer in time. */
  readonly resolve: (forwardPath: string) => Promise<ResolveAnswer>;
  /** Deferred mail is tried now. */
  readonly startQueue: QueueStart;
  /** The name of an address, which has that address; undefined for none. Rejects when nobody can tell. */
  readonly nameOf: (address: string) => Promise<string | undefined>;
  readonly access: AccessRules;
  readonly clients: ClientLimits;
  readonly networks: NetworkLimits;
  readonly counts: Counts;
}

/** For the gauge; all since the start of the process but `sessions`. */
export interface Counts {
  /** Open now. */
  sessions: number;
  sessionsTotal: number;
  accepted: number;
  /** Contents refused or not stored, and recipients and senders refused. */
  rejected: number;
  /** By access rules. */
  discarded: number;
  contentInOctets: number;
}

export const noCounts = (): Counts => ({
  sessions: 0,
  sessionsTotal: 0,
  accepted: 0,
  rejected: 0,
  discarded: 0,
  contentInOctets: 0,
});
