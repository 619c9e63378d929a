/**
 * What becomes of a mail, one record a fact: these stand in the shard's log (DESIGN §3) and are all that
 * replay has besides the segments. A closed union; every record names its mail and its recipients by index
 * into the envelope.
 */
import type { MailId } from './mail-id.js';
import type { MailObject } from './mail-object.js';

/** A next hop's answer, or our own reason in the same form, about one or several recipients. */
export interface Diagnostic {
  /** RFC 3463. */
  readonly status: string;
  /** As the next hop gave it, code included, one line: `550 5.1.1 No such user`; or our reason. */
  readonly text: string;
  /** Host name or address of the server that answered; absent when the reason is ours. */
  readonly remoteMta?: string;
}

interface About {
  readonly id: MailId;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

interface AboutRecipients extends About {
  /** Indexes into the envelope's recipients. */
  readonly recipients: readonly number[];
  /** How many attempts these recipients have had, this one included; 0 when none was made. */
  readonly attempt: number;
}

/** A recipient's last record; DSN actions of RFC 3464 §2.3.3. The first in log order wins. */
export type FinalRecord = AboutRecipients & {
  readonly kind: 'delivered' | 'relayed' | 'expanded' | 'failed';
  readonly diagnostic?: Diagnostic;
  /** Mail that exists because of this record (a DSN, an expansion): durable with it, in one write. */
  readonly born?: readonly MailObject[];
};

export type MailRecord =
  | FinalRecord
  | (AboutRecipients & {
      readonly kind: 'deferred' | 'unknown';
      /** When to try next, milliseconds since the epoch. */
      readonly until: number;
      readonly diagnostic: Diagnostic;
      /** A delay warning, if one is due. */
      readonly born?: readonly MailObject[];
    })
  | (About & { readonly kind: 'moved' })
  | (About & { readonly kind: 'hold'; readonly reason: string })
  | (About & { readonly kind: 'release' | 'retry' })
  | (About & { readonly kind: 'delete'; readonly by: string });

export type FinalKind = FinalRecord['kind'];

export const isFinal = (record: MailRecord): record is FinalRecord =>
  record.kind === 'delivered' ||
  record.kind === 'relayed' ||
  record.kind === 'expanded' ||
  record.kind === 'failed';
