/** The live mails of a shard: where each is, what it pins, which recipients are open. Compact: a million must fit. */
import { MailTable, NumberColumn, type MailId, type RowForm } from '@postrider/mail';

export type Place = 'spool' | 'defer';

/** Where the content of a mail stands that has no place in DEFER-CONTENT: in the segment or record that it pins. */
export const inPinned = 0;

export interface LiveMail {
  readonly place: Place;
  /** Sequence of the message that this mail pins in its log: its segment, its put, or the record it was born in. */
  readonly pin: number;
  /** Sequence in DEFER-CONTENT, or `inPinned`. */
  readonly contentSequence: number;
  readonly contentIndex: number;
  /** Indexes of open recipients. */
  readonly open: readonly number[];
  /** Content id of a large content. */
  readonly large: MailId | undefined;
  /** Monotonic milliseconds since it is here, whole; of mail in SPOOL. */
  readonly since: number;
  /** Content octets in this place. */
  readonly contentOctets: number;
  /** About what its state takes in DEFER. */
  readonly stateOctets: number;
}

/** Nearly all mails have one recipient: they share this. */
export const firstOnly: readonly number[] = [0];
/** A bundle's share and an average address. */
export const stateOctetsAtLeast = 400;

export type LiveMails = MailTable<LiveMail>;
export const liveMails = (): LiveMails => new MailTable(new DeferredForm());

/** Most of a long queue: in DEFER, one open recipient, nothing large. It closes with that one, and never has fewer. */
class DeferredForm implements RowForm<LiveMail> {
  readonly #pin = new NumberColumn(Float64Array);
  readonly #contentSequence = new NumberColumn(Float64Array);
  readonly #contentIndex = new NumberColumn(Uint32Array);
  readonly #contentOctets = new NumberColumn(Uint32Array);

  fits({ place, open, large, since, stateOctets }: LiveMail): boolean {
    const common = place === 'defer' && open === firstOnly && large === undefined;
    return common && since === 0 && stateOctets === stateOctetsAtLeast;
  }

  write(row: number, mail: LiveMail): void {
    this.#pin.set(row, mail.pin);
    this.#contentSequence.set(row, mail.contentSequence);
    this.#contentIndex.set(row, mail.contentIndex);
    this.#contentOctets.set(row, mail.contentOctets);
  }

  read(row: number): LiveMail {
    return {
      place: 'defer',
      pin: this.#pin.get(row),
      contentSequence: this.#contentSequence.get(row),
      contentIndex: this.#contentIndex.get(row),
      open: firstOnly,
      large: undefined,
      since: 0,
      contentOctets: this.#contentOctets.get(row),
      stateOctets: stateOctetsAtLeast,
    };
  }
}
