/**
 * Events: facts in the past tense on `mta.events.<service>.<event>`, one JSON object a message, so that any NATS
 * tool can read them. `id` is the same when a takeover tells the same fact again.
 */
import type { Diagnostic, DsnAction, MailId, Scheduling } from '@postrider/mail';

export const serviceNames = [
  'smtp-ingress',
  'queue-manager',
  'dns-resolver',
  'outbound-delivery',
  'alias-expander',
] as const;
export type ServiceName = (typeof serviceNames)[number];

/** What each event says besides the common fields of EventRecord. */
export interface EventFacts {
  'smtp-ingress': {
    accepted: {
      mail: MailId;
      shard: string;
      reversePath: string;
      recipients: readonly string[];
      /** As the client gave them, of those that aliases and rules led elsewhere. */
      given?: readonly string[];
      sizeInOctets: number;
      client: string;
      helo: string;
      protocol: string;
      listener: string;
      identity?: string;
      scheduling?: Scheduling;
    };
    rejected: {
      client: string;
      helo: string;
      listener: string;
      verb: string;
      reply: string;
      reversePath?: string;
      recipient?: string;
    };
  };
  'alias-expander': {
    expanded: { alias: string; members: readonly string[] };
    reloaded: { file: string; aliases: number };
    reload_failed: { file: string; text: string };
  };
  'dns-resolver': {
    /** A lookup that went to a nameserver, not to the cache. */
    located: { domain: string; result: string; exchangers: readonly string[]; ms: number };
  };
  'queue-manager': {
    taken: { shard: string; epoch: number; mails: number; deferred: number; ms: number };
    let_go: { shard: string; epoch: number; reason: string };
    /** Read from the shard's log; `sites` names where each recipient goes and by which rule of the routes. */
    queued: {
      mail: MailId;
      shard: string;
      sites: readonly { site: string; rule: string; recipients: readonly string[] }[];
    };
    deferred: {
      mail: MailId;
      recipients: readonly string[];
      attempt: number;
      until: string;
      diagnostic: Diagnostic;
    };
    failed: { mail: MailId; recipients: readonly string[]; attempt: number; diagnostic: Diagnostic };
    expired: { mail: MailId; recipients: readonly string[]; diagnostic: Diagnostic };
    /** A DSN was made; `mail` is the one it is about. */
    bounced: { mail: MailId; dsn: MailId; to: string; action: DsnAction };
    /** A page of a list: `page` is the mail to its members, `next` the mail that goes on with the list. */
    expanded: { mail: MailId; alias: string; page: MailId; members: number; next?: MailId };
    held: { mail: MailId; reason: string };
    /** A record of the shard's logs was set aside: an operator has to look at it. */
    quarantined: { shard: string; key: string; log: string; sequence: number; mail?: MailId; reason: string };
    released: { mail: MailId };
    retried: { mail: MailId };
    deleted: { mail: MailId; by: string };
    unknown: { mail: MailId; recipients: readonly string[]; until: string; diagnostic: Diagnostic };
    site_blocked: { site: string; until: string; diagnostic: Diagnostic };
  };
  'outbound-delivery': {
    delivered: AttemptFacts;
    relayed: AttemptFacts;
    refused: AttemptFacts;
    channel_failed: { site: string; channel: string; diagnostic: Diagnostic };
  };
}

interface AttemptFacts {
  mail: MailId;
  recipients: readonly string[];
  site: string;
  channel: string;
  diagnostic: Diagnostic;
  /** From acceptance to this fact, milliseconds. */
  ms: number;
  tls?: string;
}

export type EventName<S extends ServiceName> = keyof EventFacts[S] & string;

export interface EventRecord {
  /** Same fact, same id. */
  readonly id: string;
  /** RFC 3339, UTC, milliseconds. */
  readonly at: string;
  readonly service: ServiceName;
  readonly instance: string;
  readonly event: string;
  readonly mail?: MailId;
  readonly [fact: string]: unknown;
}

/** A figure that tells how values are spread, since the start of the process. */
export interface HistogramFigure {
  /** By inclusive bound: how many were not above it. */
  readonly upTo: Readonly<Record<string, number>>;
  readonly count: number;
  readonly sum: number;
}

/** On `mta.status.<service>.<instance>` every second. */
export interface StatusRecord {
  readonly at: string;
  readonly service: string;
  readonly instance: string;
  readonly version: string;
  readonly uptimeInSeconds: number;
  readonly ready: boolean;
  /** Resident set of the process, octets; services in one process say the same. */
  readonly memoryInOctets: number;
  readonly eventLoopLagInMilliseconds: number;
  /** Fingerprint of the configuration in force; older versions do not say. */
  readonly configuration?: string;
  /** The service's own figures, by name. */
  readonly [figure: string]: unknown;
}

export const eventSubject = (service: ServiceName, event: string): string => `mta.events.${service}.${event}`;
export const statusSubject = (service: string, instance: string): string =>
  `mta.status.${service}.${instance}`;
