/**
 * outbound-delivery: channels to next hops. `open` is answered by any worker with room; each channel then is an
 * actor of its own, `mta.v1.channel.<id>`. Results go the other way, to the shard (shard.ts).
 */
import { defineProtocol, notice, request } from '@postrider/actor';
import type { Diagnostic, Envelope, MailId, Recipient } from '@postrider/mail';
import type { MailExchanger } from './dns-resolver.js';
import { times } from './times.js';

export type NextHop = MailExchanger & {
  readonly port: number;
  /** Its name comes from an MX record that nobody has signed: whoever answers there may be anybody (RFC 8689 §4.2.1). */
  readonly unsigned?: true;
};

/** Where a channel leads. */
export type Destination =
  /** In fail-over order; those of one preference are shuffled by the worker (RFC 5321 §5.1). */
  | { readonly kind: 'smtp' | 'lmtp'; readonly nextHops: readonly [NextHop, ...NextHop[]] }
  | { readonly kind: 'maildir'; readonly folder: string }
  | { readonly kind: 'discard' };

export interface OpenChannel {
  readonly site: string;
  readonly destination: Destination;
  readonly shard: string;
  /** A worker refuses an epoch lower than it has seen from this shard. */
  readonly epoch: number;
}

export type OpenAnswer =
  | { readonly result: 'opened'; readonly channel: string; readonly worker: string }
  | { readonly result: 'refused'; readonly text: string };

/** One mail's recipients at one site. */
export interface Job {
  readonly id: MailId;
  readonly attempt: number;
  readonly envelope: JobEnvelope;
  /** Absent for large content: the worker reads the chunks itself. */
  readonly content?: Uint8Array;
}

export type JobEnvelope = Pick<
  Envelope,
  | 'reversePath'
  | 'body'
  | 'sizeInOctets'
  | 'large'
  | 'acceptedAt'
  | 'dsn'
  | 'scheduling'
  | 'smtputf8'
  | 'requireTls'
  | 'submitter'
> & {
  readonly recipients: readonly JobRecipient[];
};

export type JobRecipient = Pick<Recipient, 'forwardPath' | 'original' | 'notify' | 'orcpt'> & {
  /** Index into the mail's own envelope. */
  readonly index: number;
};

/** What became of one attempt, by recipient index. Recipients of one kind share a record. */
export interface JobResult {
  readonly id: MailId;
  readonly attempt: number;
  readonly outcomes: readonly RecipientOutcome[];
}

export interface RecipientOutcome {
  readonly recipients: readonly number[];
  /**
   * `unknown`: the connection broke after the final dot, before its reply.
   * `untried`: given back without an attempt on this mail (channel closed, draining): costs no attempt.
   */
  readonly outcome: 'delivered' | 'relayed' | 'temporary' | 'permanent' | 'unknown' | 'untried';
  readonly diagnostic: Diagnostic;
  /** The next hop was told what the sender wants to hear, and reports itself (RFC 3461 §5.2.1). */
  readonly dsnPassedOn?: true;
  /** Relayed in time by the sender's wish, to a next hop that could not be told of it (RFC 2852 §4.1.4.2). */
  readonly deliverByDropped?: true;
}

/** Why a channel is no more. `site` failures are about the destination, not about a mail. */
export type ChannelEnd =
  /** `unheard`: no owner has answered the worker's beats for a while. */
  | { readonly reason: 'idle' | 'closed' | 'draining' | 'epoch' | 'unheard' }
  /** No exchanger could be reached, or the greeting or EHLO was refused. */
  | { readonly reason: 'site-temporary' | 'site-permanent'; readonly diagnostic: Diagnostic }
  /** The connection was lost after it had worked. */
  | { readonly reason: 'lost'; readonly diagnostic: Diagnostic };

/**
 * A channel as its worker tells the shard's owner of it. Workers of an earlier version do not say which site it is for,
 * and which owner opened it.
 */
export interface HeldChannel {
  readonly channel: string;
  /** Mails of which it has not reported all, or whose report may not be written. */
  readonly ids: readonly MailId[];
  readonly site?: string;
  readonly epoch?: number;
}

export const outboundDelivery = defineProtocol('outbound-delivery', 'pool', {
  open: request<OpenChannel, OpenAnswer>({ deadline: times.open }),
});

export const channel = defineProtocol('channel', 'keyed', {
  /** Confirmed once taken; outcomes follow as `result` to the shard. At most 1 MiB unconfirmed. */
  jobs: request<
    { readonly shard: string; readonly epoch: number; readonly jobs: readonly Job[] },
    { readonly result: 'taken' } | { readonly result: 'refused'; readonly text: string }
  >({ deadline: times.jobConfirmed }),
  /** What this channel still holds. */
  holds: request<{ readonly epoch: number }, { readonly ids: readonly MailId[] }>({
    deadline: times.ask,
    concurrent: true,
  }),
  /** No more jobs will come: finish what is held, then QUIT. */
  close: notice<{ readonly epoch: number }>(),
});

/** One worker by its instance's name: a new owner of a shard asks each, and need not wait for their beats. */
export const worker = defineProtocol('worker', 'keyed', {
  /** What it holds for the shard. From then on channels of older epochs are opened no more, and those there are end. */
  holds: request<
    { readonly shard: string; readonly epoch: number },
    { readonly channels: readonly HeldChannel[] }
  >({ deadline: times.holds, concurrent: true }),
});
