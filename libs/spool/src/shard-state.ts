/**
 * What the owner of a shard knows of its live mail: where each is, what it pins, what is open. No I/O: records come in
 * here when they are durable, and what follows from them is the same in life and in replay.
 */
import { isFinal, type MailId, type MailObject, type MailRecord } from '@postrider/mail';
import { applyRecord, untouched, type MailState } from './open-recipients.js';
import { Pins } from './pins.js';
import type { DeferredMail } from './record-frame.js';
import type { SpooledMail } from './spool.js';

export interface LiveMail {
  readonly place: 'spool' | 'defer';
  /** Sequence of the message that this mail pins in its log: its segment, its put, or the record it was born in. */
  readonly pin: number;
  /** Its content in DEFER-CONTENT, or inside the record at `pin`. */
  readonly contentAt?: readonly [sequence: number, index: number] | 'record';
  /** Indexes of open recipients. */
  readonly open: readonly number[];
  readonly large?: MailId;
  /** Monotonic milliseconds since it is here. */
  readonly since: number;
  readonly octets: number;
}

/** About what a mail takes of a log besides its content. */
const envelopeOctets = 300;

export class ShardState {
  readonly live = new Map<MailId, LiveMail>();
  readonly pins = { spool: new Pins(), defer: new Pins(), deferContent: new Pins() };
  /** Octets of live mail in DEFER and in DEFER-CONTENT: what cleaning is measured by. */
  readonly deferred = { mails: 0, contentOctets: 0 };
  /** Large contents nobody needs any more, and since when. */
  readonly doneContents: { readonly contentId: MailId; readonly since: number }[] = [];
  readonly #largeUses = new Map<MailId, number>();
  readonly #monotonic: () => number;

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** A mail of a segment, or born of a record, becomes live. */
  admit(mail: MailObject, place: 'spool' | 'defer', pin: number, open: readonly number[], born = false): void {
    const { id, large, sizeInOctets } = mail.envelope;
    this.#add(id, {
      place,
      pin,
      open,
      since: this.#monotonic(),
      octets: (mail.content?.length ?? 0) + envelopeOctets,
      ...(place === 'defer' && born ? { contentAt: 'record' as const } : {}),
      ...(large === undefined ? {} : { large: large.contentId, octets: sizeInOctets }),
    });
  }

  /** A put in DEFER is durable: from now on the mail is there. */
  put({ envelope, open, contentAt }: DeferredMail, pin: number, contentOctets: number): void {
    const known = this.live.get(envelope.id);
    if (known) this.#remove(known);
    this.#add(envelope.id, {
      place: 'defer',
      pin,
      open: open.map(({ index }) => index),
      since: this.#monotonic(),
      octets: contentOctets,
      ...(contentAt === undefined ? {} : { contentAt }),
      ...(envelope.large === undefined ? {} : { large: envelope.large.contentId }),
    });
  }

  /** A record about a live mail is durable. @returns true when the mail is done with it */
  apply(record: MailRecord): boolean {
    const known = this.live.get(record.id);
    if (!known) return false;
    if (!isFinal(record) && record.kind !== 'delete') return false;
    const open = isFinal(record) ? known.open.filter((index) => !record.recipients.includes(index)) : [];
    if (open.length > 0) {
      this.live.set(record.id, { ...known, open });
      return false;
    }
    this.#remove(known);
    this.live.delete(record.id);
    return true;
  }

  #add(id: MailId, mail: LiveMail): void {
    this.live.set(id, mail);
    this.pins[mail.place].add(mail.pin);
    if (mail.place === 'defer') this.deferred.mails++;
    if (typeof mail.contentAt === 'object') {
      this.pins.deferContent.add(mail.contentAt[0]);
      this.deferred.contentOctets += mail.octets;
    }
    if (mail.large !== undefined) this.#largeUses.set(mail.large, (this.#largeUses.get(mail.large) ?? 0) + 1);
  }

  #remove(mail: LiveMail): void {
    this.pins[mail.place].remove(mail.pin);
    if (mail.place === 'defer') this.deferred.mails--;
    if (typeof mail.contentAt === 'object') {
      this.pins.deferContent.remove(mail.contentAt[0]);
      this.deferred.contentOctets -= mail.octets;
    }
    if (mail.large === undefined) return;
    const uses = (this.#largeUses.get(mail.large) ?? 1) - 1;
    if (uses > 0) this.#largeUses.set(mail.large, uses);
    else {
      this.#largeUses.delete(mail.large);
      this.doneContents.push({ contentId: mail.large, since: this.#monotonic() });
    }
  }

  usesLarge(contentId: MailId): boolean {
    return this.#largeUses.has(contentId);
  }
}

/** Records by mail, as replay meets them before the mail itself. */
export class RecordsBefore {
  readonly #records = new Map<MailId, MailRecord[]>();

  add(record: MailRecord): void {
    const known = this.#records.get(record.id);
    if (known) known.push(record);
    else this.#records.set(record.id, [record]);
  }

  has(id: MailId, kind: MailRecord['kind']): boolean {
    return this.#records.get(id)?.some((record) => record.kind === kind) ?? false;
  }

  /** The state of a mail after all that is known of it. */
  stateOf(mail: MailObject, from: MailState = untouched(mail.envelope)): MailState {
    return (this.#records.get(mail.envelope.id) ?? []).reduce(applyRecord, from);
  }

  clear(): void {
    this.#records.clear();
  }
}

export function spooled(mail: MailObject, state: MailState, place: 'spool' | 'defer', replayed: boolean): SpooledMail {
  const { open, held } = state;
  return { mail, open, place, replayed, ...(held === undefined ? {} : { held }) };
}
