/**
 * The owner of a shard, and the sites that hash to it: `mta.v1.shard.<s>.<message>`. No queue group: one owner.
 */
import { defineProtocol, notice, request } from '@postrider/actor';
import type { Diagnostic, Envelope, MailId } from '@postrider/mail';
import type { ChannelEnd, HeldChannel, JobResult } from './outbound-delivery.js';
import { times } from './times.js';

/** From a worker: repeated until answered, so a result is forgotten only when it is written. */
export interface ChannelReport {
  readonly channel: string;
  readonly worker: string;
  readonly epoch: number;
  readonly results: readonly JobResult[];
  readonly ended?: ChannelEnd;
}

export type RecipientState =
  | { readonly state: 'active' }
  | { readonly state: 'in-flight'; readonly channel: string; readonly worker: string; readonly since: number }
  | { readonly state: 'deferred'; readonly until: number; readonly diagnostic: Diagnostic }
  | { readonly state: 'held'; readonly reason: string }
  | { readonly state: 'delivered' | 'relayed' | 'expanded' | 'failed'; readonly diagnostic?: Diagnostic };

/** What the owner knows of one mail that has not ended. */
export interface QueuedMail {
  readonly id: MailId;
  readonly shard: string;
  readonly owner: string;
  readonly reversePath: string;
  readonly sizeInOctets: number;
  readonly acceptedAt: number;
  readonly recipients: readonly {
    readonly forwardPath: string;
    readonly site: string;
    readonly attempts: number;
    readonly state: RecipientState;
  }[];
}

/** Which mails an act or a list is about; an empty filter is all of them. */
export interface MailFilter {
  readonly ids?: readonly MailId[];
  /** Recipient or reverse-path, exact. */
  readonly address?: string;
  readonly domain?: string;
  /** A domain and all under it. */
  readonly below?: string;
  readonly state?: 'active' | 'deferred' | 'held';
}

export interface QueueSummary {
  readonly shard: string;
  readonly owner: string;
  readonly active: number;
  readonly inFlight: number;
  readonly deferred: number;
  readonly held: number;
  /** Milliseconds since the epoch of the oldest live mail's acceptance; absent when there is none. */
  readonly oldestAt?: number;
  readonly sites: readonly {
    readonly site: string;
    readonly waiting: number;
    readonly deferred: number;
    readonly channels: number;
    readonly lastDiagnostic?: string;
  }[];
}

/** A site as one shard sees it: without the mail that rests, so that it costs little to ask. */
export interface SiteState {
  readonly site: string;
  /** Mails that could go now. */
  readonly waiting: number;
  readonly inFlight: number;
  /** Channels that this shard holds or opens. */
  readonly channels: number;
  /** Left alone until then, milliseconds since the epoch. */
  readonly blockedUntil?: number;
}

/** Channels of one site, over all shards: the word of its owner. */
export interface SiteLimitState {
  readonly site: string;
  readonly limit: number;
  readonly granted: number;
  /** What the shards said they hold when they last asked. */
  readonly holding: number;
}

/** A record of the shard's logs that replays did not get past, or that could not be read. */
export interface QuarantinedRecord {
  readonly shard: string;
  /** Names it within its shard. */
  readonly key: string;
  /** Which part of the logs it comes from, and its sequence there. */
  readonly log: 'outcome' | 'defer' | 'segment';
  readonly sequence: number;
  /** It is one mail of a segment. */
  readonly mail?: MailId;
  readonly reason: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export type QuarantineAct =
  { readonly act: 'list' } | { readonly act: 'show' | 'release' | 'delete'; readonly key: string };

export type QuarantineAnswer =
  | { readonly result: 'records'; readonly records: readonly QuarantinedRecord[] }
  /** As it stood in the log; cut after 512 KiB. */
  | { readonly result: 'shown'; readonly record: QuarantinedRecord; readonly octets: Uint8Array }
  | { readonly result: 'done'; readonly ids: readonly MailId[] }
  | { readonly result: 'unknown' }
  /** Nothing in it can be read, or the log takes no write. */
  | { readonly result: 'refused'; readonly text: string };

type ActAnswer = { readonly result: 'done'; readonly ids: readonly MailId[] };

export const shard = defineProtocol('shard', 'keyed', {
  /** Ingress, after the PubAck: there is more to read. */
  hint: notice<{ readonly sequence: number }>(),
  report: request<ChannelReport, { readonly result: 'written' } | { readonly result: 'not-owner' }>({
    deadline: times.resultRepeated,
    concurrent: true,
  }),
  /**
   * A worker's beat: what it holds for this shard. Without an answer it may count as lost. Owners of an earlier version
   * note it, and answer with nothing.
   */
  beat: request<
    { readonly worker: string; readonly channels: readonly HeldChannel[] },
    { readonly result: 'noted' } | { readonly result: 'not-owner' } | undefined
  >({ deadline: times.beatAnswered, concurrent: true }),
  /** A worker's process has surely ended, and with it its connections: told by the one that comes in its place. */
  ended: notice<{ readonly worker: string }>(),
  /** To the owner of shard `hash(site) mod shards`, for the site: channels for one asking shard. */
  grant: request<
    {
      readonly site: string;
      readonly shard: string;
      readonly epoch: number;
      readonly holding: number;
      readonly want: number;
    },
    /**
     * `epoch` of the site's owner; one of an earlier version does not say. `unknown`: the owner is new and knows
     * nothing yet; what was granted before is valid for its time. `ample`: more than an even share, so that it is to be
     * asked for again every second, should others need some of it.
     */
    {
      readonly channels: number;
      readonly duration: number;
      readonly epoch?: number;
      readonly unknown?: true;
      readonly ample?: true;
    }
  >({ deadline: times.ask, concurrent: true }),
  /**
   * From a new owner of shard `sitesOf` to every shard: what it was granted and holds at the sites that hash there.
   * From then on no answer of an owner before counts. No claims: it is not known yet what workers hold.
   */
  claims: request<
    { readonly sitesOf: string; readonly epoch: number },
    {
      readonly epoch: number;
      readonly claims?: readonly {
        readonly site: string;
        readonly granted: number;
        readonly holding: number;
      }[];
    }
  >({ deadline: times.ask, concurrent: true }),
  /** A challenger asks before it takes a lapsed lease. */
  who: request<Record<string, never>, { readonly owner: string; readonly epoch: number }>({
    deadline: times.ask,
    concurrent: true,
  }),

  /** Is a mail here? `ended` for what the owner still remembers of finished mail. */
  lookup: request<{ readonly id: MailId }, { readonly mail?: QueuedMail }>({
    deadline: times.ask,
    concurrent: true,
  }),
  list: request<
    { readonly filter: MailFilter; readonly limit: number },
    { readonly mails: readonly QueuedMail[]; readonly more: boolean }
  >({
    deadline: 5_000,
    concurrent: true,
  }),
  show: request<
    { readonly id: MailId },
    { readonly mail?: QueuedMail; readonly envelope?: Envelope; readonly content?: Uint8Array }
  >({
    deadline: 5_000,
    concurrent: true,
  }),
  summary: request<Record<string, never>, QueueSummary>({ deadline: times.ask, concurrent: true }),
  /** The sites that this shard has mail or channels for, and the limits of those that hash to it. */
  sites: request<
    Record<string, never>,
    { readonly sites: readonly SiteState[]; readonly limits: readonly SiteLimitState[] }
  >({ deadline: times.ask, concurrent: true }),
  retry: request<{ readonly filter: MailFilter }, ActAnswer>({ deadline: 10_000, concurrent: true }),
  hold: request<{ readonly filter: MailFilter; readonly reason: string }, ActAnswer>({
    deadline: 10_000,
    concurrent: true,
  }),
  release: request<{ readonly filter: MailFilter }, ActAnswer>({ deadline: 10_000, concurrent: true }),
  /** What is set aside in QUARANTINE: shown, released into the queue as new mail, or deleted. */
  quarantine: request<QuarantineAct, QuarantineAnswer>({ deadline: 10_000, concurrent: true }),
  delete: request<{ readonly filter: MailFilter; readonly by: string }, ActAnswer>({
    deadline: 10_000,
    concurrent: true,
  }),
});
