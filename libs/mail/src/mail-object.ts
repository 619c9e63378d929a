/**
 * The mail object (RFC 5321 §2.3.1): an envelope and its content.
 */
import type { MailId } from './mail-id.js';
import type { Scheduling } from './scheduling.js';

export interface MailObject {
  readonly envelope: Envelope;
  /**
   * The content as it goes out: CRLF line ends, our Received on top, not dot-stuffed, final CRLF included.
   * Absent when the envelope says `large`: then it stands in chunks of its own.
   */
  readonly content?: Uint8Array;
}

export interface Envelope {
  readonly id: MailId;
  /** Mailbox without angle brackets; '' is the null reverse-path (RFC 5321 §4.5.5). */
  readonly reversePath: string;
  readonly recipients: readonly Recipient[];
  /** BINARYMIME: any octets, lines or not, so that only BDAT can carry them (RFC 3030 §3). */
  readonly body: '7BIT' | '8BITMIME' | 'BINARYMIME';
  /** It goes only where TLS is proven and this is passed on (RFC 8689 §4.2.1). */
  readonly requireTls?: true;
  /** MAIL had SMTPUTF8 (RFC 6531 §3.4); header: and the header section is not US-ASCII, so that it can't go without. */
  readonly smtputf8?: 'asked' | 'header';
  /** Octets of the content as it goes out, before dot-stuffing. */
  readonly sizeInOctets: number;
  /** Milliseconds since the epoch. */
  readonly acceptedAt: number;
  readonly client: ClientFacts;
  /** Name of the listener in the configuration, or `local` for mail we made ourselves. */
  readonly listener: string;
  /** Authenticated identity. */
  readonly identity?: string;
  /** Mailbox of who submitted it, by AUTH= of a client who is trusted with it (RFC 4954 §5). */
  readonly submitter?: string;
  readonly large?: LargeContent;
  /** What the sender wants of DSNs (RFC 3461 §4.3, §4.4). */
  readonly dsn?: EnvelopeDsn;
  /** Absent: as soon as it can be, in the order of arrival. */
  readonly scheduling?: Scheduling;
  /** Why it waits until an administrator releases it; absent: it does not. */
  readonly hold?: string;
  /** The mail that caused this one, for a DSN. */
  readonly bornOf?: MailId;
}

export interface Recipient {
  /** Mailbox without angle brackets: where this mail goes. */
  readonly forwardPath: string;
  /** It is a list that the queue's owner expands, page by page: `after` is the last member that has been (DESIGN §3). */
  readonly list?: { readonly after?: string };
  /** The address the client gave, when an alias changed it: named in the text of a DSN. */
  readonly original?: string;
  /** When the sender wants a DSN about it (RFC 3461 §4.1); absent: of failures and delays. */
  readonly notify?: readonly Notify[];
  /** `rfc822;address` as the sender gave it, decoded (RFC 3461 §4.2). */
  readonly orcpt?: string;
  /**
   * This is the alias itself, and its members stand beside it: nobody gets the mail by this one, but the sender hears
   * that it was expanded (RFC 3461 §5.2.7.3 (c)).
   */
  readonly expanded?: true;
}

/** NEVER stands alone. */
export type Notify = 'NEVER' | 'SUCCESS' | 'FAILURE' | 'DELAY';

export interface EnvelopeDsn {
  readonly ret?: 'FULL' | 'HDRS';
  /** Decoded, printable US-ASCII. */
  readonly envid?: string;
}

/** Whether a DSN of that kind is wanted; of successes only when it is asked for (RFC 3461 §5.2.3, §5.2.5, §5.2.6). */
export const wantsDsn = ({ notify }: Recipient, about: Exclude<Notify, 'NEVER'>): boolean =>
  notify === undefined ? about !== 'SUCCESS' : notify.includes(about);

export interface ClientFacts {
  readonly address: string;
  readonly helo: string;
  readonly protocol: WithKeyword | 'LOCAL';
}

/** Registered words for how mail comes: S with TLS, A with AUTH (RFC 3848, RFC 6531 §4.3). */
export type WithKeyword = 'SMTP' | `${'ESMTP' | 'LMTP' | 'UTF8SMTP' | 'UTF8LMTP'}${'' | 'S' | 'A' | 'SA'}`;

/** Content in chunks in the stream CONTENT-<shard> (DESIGN §3). */
export interface LargeContent {
  readonly chunks: number;
  readonly octets: number;
  /** Hex. */
  readonly sha256: string;
  /** Id under which the chunks stand: parts of a split envelope share it. */
  readonly contentId: MailId;
}
