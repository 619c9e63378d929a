/**
 * The mails in DEFER as a replay finds them, after all that DEFER says of each. Compact: a million must fit beside what
 * their owner then makes of them.
 */
import {
  MailTable,
  NumberColumn,
  packEnvelope,
  ValueColumn,
  type Diagnostic,
  type MailId,
  type RowForm,
} from '@postrider/mail';
import { OpenRecipientColumns } from './open-recipient-columns.js';
import type { MailState } from './open-recipients.js';
import type { DeferredMail } from './record-frame.js';
import type { OpenRecipient, PackedMail } from './spool.js';

export interface DeferredAt extends PackedMail {
  readonly sizeInOctets: number;
  readonly recipients: number;
  readonly home: number;
  readonly contentAt: DeferredMail['contentAt'];
  /** Of its put, or the record that it was born in. */
  readonly sequence: number;
  /** Octets of a content that stands in the record itself. */
  readonly bornOctets: number | undefined;
  readonly state: MailState;
}

export function deferredAt(
  { envelope, home, contentAt }: DeferredMail,
  state: MailState,
  found: { readonly sequence: number; readonly bornOctets?: number },
): DeferredAt {
  return {
    id: alone(envelope.id),
    text: packEnvelope(envelope),
    bounce: envelope.reversePath === '',
    scheduling: envelope.scheduling,
    acceptedAt: envelope.acceptedAt,
    sizeInOctets: envelope.sizeInOctets,
    recipients: envelope.recipients.length,
    large: envelope.large && alone(envelope.large.contentId),
    home,
    contentAt,
    sequence: found.sequence,
    bornOctets: found.bornOctets,
    state,
  };
}

/** A text that is kept long must not keep that of the whole bundle, of which it is a slice. */
const alone = (text: string): string => Buffer.from(text, 'utf8').toString('utf8');

export type DeferredMails = MailTable<DeferredAt>;
export const deferredMails = (): DeferredMails => new MailTable(new CommonForm());

const reads16 = 0xffff;
const reads32 = 0xffff_ffff;

/** Most of a long queue: one open recipient, not held, nothing large, nothing that its sender wants of its times. */
class CommonForm implements RowForm<DeferredAt> {
  readonly #text = new ValueColumn<string>();
  readonly #open = new OpenRecipientColumns();
  readonly #acceptedAt = new NumberColumn(Float64Array);
  readonly #sequence = new NumberColumn(Float64Array);
  readonly #home = new NumberColumn(Float64Array);
  readonly #contentSequence = new NumberColumn(Float64Array);
  readonly #contentIndex = new NumberColumn(Uint32Array);
  readonly #sizeInOctets = new NumberColumn(Uint32Array);
  readonly #recipients = new NumberColumn(Uint16Array);
  readonly #bounce = new NumberColumn(Uint8Array);

  fits(mail: DeferredAt): boolean {
    const { state, recipients, sizeInOctets } = mail;
    const [open, second] = state.open;
    if (open === undefined || second !== undefined || state.held !== undefined) return false;
    if (mail.large !== undefined || mail.scheduling !== undefined) return false;
    if (mail.contentAt === undefined || mail.bornOctets !== undefined) return false;
    return OpenRecipientColumns.takes(open) && recipients <= reads16 && sizeInOctets <= reads32;
  }

  write(row: number, mail: DeferredAt): void {
    this.#text.set(row, mail.text);
    this.#acceptedAt.set(row, mail.acceptedAt);
    this.#sequence.set(row, mail.sequence);
    this.#home.set(row, mail.home);
    const [contentSequence, contentIndex] = mail.contentAt ?? [0, 0];
    this.#contentSequence.set(row, contentSequence);
    this.#contentIndex.set(row, contentIndex);
    this.#sizeInOctets.set(row, mail.sizeInOctets);
    this.#recipients.set(row, mail.recipients);
    this.#bounce.set(row, mail.bounce ? 1 : 0);
    const [open] = mail.state.open;
    if (open !== undefined) this.#open.set(row, open);
  }

  read(row: number, id: MailId): DeferredAt {
    return {
      id,
      text: this.#text.get(row) ?? '',
      bounce: this.#bounce.get(row) === 1,
      scheduling: undefined,
      acceptedAt: this.#acceptedAt.get(row),
      sizeInOctets: this.#sizeInOctets.get(row),
      recipients: this.#recipients.get(row),
      large: undefined,
      home: this.#home.get(row),
      contentAt: [this.#contentSequence.get(row), this.#contentIndex.get(row)],
      sequence: this.#sequence.get(row),
      bornOctets: undefined,
      state: { open: [this.#open.get(row)] },
    };
  }

  clear(row: number): void {
    this.#text.set(row, undefined);
    this.#open.clear(row);
  }
}

/** Reasons of delays; others are only kept more than once. */
const diagnosticsRemembered = 10_000;

/** Thousands wait for the same reason: they share one value of it. */
export class SharedDiagnostics {
  readonly #known = new Map<string, Diagnostic>();

  /** The same state, with a diagnostic that takes no memory of its own. */
  of(state: MailState): MailState {
    return state.open.some(({ diagnostic }) => diagnostic !== undefined)
      ? { ...state, open: state.open.map((open) => this.#shared(open)) }
      : state;
  }

  #shared(open: OpenRecipient): OpenRecipient {
    return open.diagnostic === undefined ? open : { ...open, diagnostic: this.#diagnostic(open.diagnostic) };
  }

  #diagnostic(diagnostic: Diagnostic): Diagnostic {
    const { status, text, remoteMta } = diagnostic;
    const key = `${status} ${remoteMta ?? ''} ${text}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const shared = {
      status: alone(status),
      text: alone(text),
      ...(remoteMta === undefined ? {} : { remoteMta: alone(remoteMta) }),
    };
    if (this.#known.size < diagnosticsRemembered) this.#known.set(key, shared);
    return shared;
  }
}
