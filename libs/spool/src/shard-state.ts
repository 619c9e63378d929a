/**
 * What the owner of a shard knows of its live mail: where each is, what it pins, which recipients are open. No I/O: a
 * record comes in here when it is durable, in log order. Compact: a million deferred mails must fit.
 */
import { isFinal, type Envelope, type MailId, type MailRecord } from '@postrider/mail';
import {
  firstOnly,
  inPinned,
  liveMails,
  stateOctetsAtLeast,
  type LiveMail,
  type LiveMails,
  type Place,
} from './live-mails.js';
import { applyRecord, untouched, type MailState } from './open-recipients.js';
import { Pins } from './pins.js';
import type { DeferredMail } from './record-frame.js';

/** A mail in DEFER. */
export interface Deferred {
  readonly id: MailId;
  /** Indexes of open recipients. */
  readonly open: readonly number[];
  /** Of all, also those that have ended. */
  readonly recipients: number;
  readonly large: MailId | undefined;
  readonly contentAt: DeferredMail['contentAt'];
  /** Sequence of its put. */
  readonly pin: number;
  readonly contentOctets: number;
}

export interface Arrival {
  readonly envelope: Envelope;
  readonly state: MailState;
  readonly pin: number;
  readonly contentOctets: number;
}

export class ShardState {
  readonly live: LiveMails = liveMails();
  readonly pins = { spool: new Pins(), defer: new Pins(), deferContent: new Pins() };
  /** What of DEFER and DEFER-CONTENT is live: cleaning is decided by it. */
  readonly deferred = { mails: 0, contentOctets: 0, stateOctets: 0 };
  /** Large contents nobody needs any more, and since when. */
  readonly doneContents: { readonly contentId: MailId; readonly since: number }[] = [];
  /** Mail in SPOOL that has records but is not done: a move to DEFER takes its state along. */
  readonly #touched = new Map<MailId, MailState>();
  readonly #largeUses = new Map<MailId, number>();
  readonly #monotonic: () => number;

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** A mail of a segment, or one born of a record, becomes live in the log where that stands. */
  admit(place: Place, { envelope, state, pin, contentOctets }: Arrival): void {
    const { id, large } = envelope;
    if (place === 'spool' && isTouched(state)) this.#touched.set(id, state);
    this.#add(id, {
      place,
      pin,
      contentSequence: inPinned,
      contentIndex: 0,
      open: indexesOf(state),
      large: large?.contentId,
      since: Math.floor(this.#monotonic()),
      contentOctets,
      stateOctets: place === 'defer' ? stateOctetsAtLeast + contentOctets : 0,
    });
  }

  /** A put in DEFER counts: the mail is there now, whatever place it had before. */
  put({ envelope, contentAt, open }: DeferredMail, pin: number, contentOctets: number): void {
    const { id, recipients, large } = envelope;
    const facts = { id, recipients: recipients.length, large: large?.contentId };
    this.putFound({ ...facts, open: indexesOf({ open }), contentAt, pin, contentOctets });
  }

  /** The same, by one who has no envelope at hand. */
  putFound({ id, open, recipients, large, contentAt, pin, contentOctets }: Deferred): void {
    this.#leave(id);
    this.#add(id, {
      place: 'defer',
      pin,
      contentSequence: contentAt?.[0] ?? inPinned,
      contentIndex: contentAt?.[1] ?? 0,
      open,
      large,
      since: 0,
      contentOctets,
      stateOctets: stateOctetsAtLeast + 100 * (recipients - 1),
    });
  }

  /**
   * A record is durable.
   * @returns false when nothing of it counts: its mail is not live, or all its recipients had ended before
   */
  apply(record: MailRecord): boolean {
    const mail = this.live.get(record.id);
    if (!mail) return false;
    if ('recipients' in record && !record.recipients.some((index) => mail.open.includes(index))) return false;
    if (!isFinal(record)) {
      if (record.kind === 'delete') this.#leave(record.id);
      else if (mail.place === 'spool' && record.kind !== 'moved') this.#touch(mail, record);
      return true;
    }
    const open = mail.open.filter((index) => !record.recipients.includes(index));
    if (open.length === 0) this.#leave(record.id);
    else {
      this.live.set(record.id, { ...mail, open });
      const state = this.#touched.get(record.id);
      if (state) this.#touched.set(record.id, applyRecord(state, record));
    }
    return true;
  }

  /** What is known of a live mail's open recipients while it is in SPOOL. */
  stateOf(envelope: Envelope): MailState {
    const touched = this.#touched.get(envelope.id);
    if (touched) return touched;
    const mail = this.live.get(envelope.id);
    return onlyOpen(untouched(envelope), mail?.open ?? []);
  }

  usesLarge(contentId: MailId): boolean {
    return this.#largeUses.has(contentId);
  }

  /** A mail that replay finds done: its large content may go, unless another part uses it. */
  foundDone({ large }: Envelope): void {
    if (large) this.doneContents.push({ contentId: large.contentId, since: this.#monotonic() });
  }

  /** A record of DEFER that can't be read may name any content: all of them count as live. */
  keepContents(): void {
    if (this.deferred.contentOctets === Infinity) return;
    this.pins.deferContent.add(0);
    this.deferred.contentOctets = Infinity;
  }

  #touch(mail: LiveMail, record: MailRecord): void {
    // Without its envelope: an untouched recipient says nothing but its index.
    const state = this.#touched.get(record.id) ?? { open: mail.open.map(untouchedRecipient) };
    this.#touched.set(record.id, applyRecord(state, record));
  }

  #add(id: MailId, mail: LiveMail): void {
    this.live.set(id, mail);
    this.pins[mail.place].add(mail.pin);
    this.#count(mail, 1);
    if (mail.contentSequence !== inPinned) this.pins.deferContent.add(mail.contentSequence);
    if (mail.large !== undefined) this.#largeUses.set(mail.large, (this.#largeUses.get(mail.large) ?? 0) + 1);
  }

  #leave(id: MailId): void {
    const mail = this.live.get(id);
    if (!mail) return;
    this.live.delete(id);
    this.#touched.delete(id);
    this.pins[mail.place].remove(mail.pin);
    this.#count(mail, -1);
    if (mail.contentSequence !== inPinned) this.pins.deferContent.remove(mail.contentSequence);
    if (mail.large === undefined) return;
    const uses = (this.#largeUses.get(mail.large) ?? 1) - 1;
    if (uses > 0) this.#largeUses.set(mail.large, uses);
    else {
      this.#largeUses.delete(mail.large);
      this.doneContents.push({ contentId: mail.large, since: this.#monotonic() });
    }
  }

  #count({ place, contentSequence, contentOctets, stateOctets }: LiveMail, by: 1 | -1): void {
    if (place !== 'defer') return;
    this.deferred.mails += by;
    this.deferred.stateOctets += by * stateOctets;
    if (contentSequence !== inPinned) this.deferred.contentOctets += by * contentOctets;
  }
}

const untouchedRecipient = (index: number): MailState['open'][number] => ({
  index,
  attempts: 0,
  until: 0,
  unknowns: 0,
});

export function indexesOf({ open }: MailState): readonly number[] {
  return open.length === 1 && open[0]?.index === 0 ? firstOnly : open.map(({ index }) => index);
}

const isTouched = ({ open, held }: MailState): boolean =>
  held !== undefined ||
  open.some(({ attempts, until, unknowns }) => attempts > 0 || until > 0 || unknowns > 0);

const onlyOpen = (state: MailState, open: readonly number[]): MailState =>
  open.length === state.open.length
    ? state
    : { ...state, open: state.open.filter(({ index }) => open.includes(index)) };
