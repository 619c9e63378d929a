/**
 * Deferred mails without an object each: what a long queue mostly consists of stands in columns, some 80 octets a mail
 * and its envelope as a string. A mail is one or the other: stowed here, or a `QueueMail` that may be changed.
 */
import { MailIdRows, NumberColumn, ValueColumn, type Diagnostic, type MailId } from '@postrider/mail';
import { OpenRecipientColumns } from '@postrider/spool';
import { QueueMail } from './queue-mail.js';

const flag = { bounce: 1, replayed: 2, large: 4, warned: 8 } as const;

export class StowedMails {
  readonly #rows = new MailIdRows();
  /** The envelope; or the mail itself, since it was taken out and until its time comes. */
  readonly #what = new ValueColumn<string | QueueMail>();
  readonly #open = new OpenRecipientColumns();
  readonly #site = new ValueColumn<string>();
  readonly #due = new NumberColumn(Float64Array);
  readonly #acceptedAt = new NumberColumn(Float64Array);
  readonly #flags = new NumberColumn(Uint8Array);
  /** When the oldest was accepted; undefined: it has gone, and which is the oldest now is to be found. */
  #oldestAt: number | undefined = Infinity;

  get size(): number {
    return this.#rows.size;
  }

  /** Nothing of it is under way or kept but one recipient that waits, and it is in DEFER. */
  static takes(mail: QueueMail): boolean {
    const { state, place, idle, open, id } = mail;
    const [one, another] = open;
    if (state !== 'resting' || place !== 'defer' || !idle || one === undefined || another !== undefined)
      return false;
    return OpenRecipientColumns.takes(one) && MailIdRows.takes(id);
  }

  /** @param mail that it takes; from then on nobody may change that object; @returns its row */
  stow(mail: QueueMail): number {
    const { id, bounce, replayed, large, warned } = mail;
    const row = this.#rows.add(id);
    this.#what.set(row, mail.pack());
    this.#due.set(row, mail.until);
    this.#acceptedAt.set(row, mail.acceptedAt);
    const flags = (bounce ? flag.bounce : 0) | (replayed ? flag.replayed : 0) | (large ? flag.large : 0);
    this.#flags.set(row, flags | (warned ? flag.warned : 0));
    const [open] = mail.open;
    if (open !== undefined) {
      this.#open.set(row, open);
      this.#site.set(row, open.site);
    }
    if (this.#oldestAt !== undefined) this.#oldestAt = Math.min(this.#oldestAt, mail.acceptedAt);
    this.ended(mail);
    mail.stowed = true;
    return row;
  }

  /** To look at: what is changed in it changes nothing here. */
  peek(id: MailId): QueueMail | undefined {
    const row = this.#rows.find(id);
    return row < 0 ? undefined : this.#mailAt(row, id);
  }

  /** Out of here, to be changed. Its row goes on counting for its time. */
  take(id: MailId): QueueMail | undefined {
    const row = this.#rows.find(id);
    if (row < 0) return undefined;
    const mail = this.#mailAt(row, id);
    this.#forget(row);
    mail.row = row;
    this.#what.set(row, mail);
    return mail;
  }

  /** What was taken out is no more, or not this object: its row is not to keep it. */
  ended(mail: QueueMail): void {
    if (mail.row !== undefined) this.#what.set(mail.row, undefined);
    mail.row = undefined;
  }

  /** Its time has come: the row is given back. @returns undefined when it was stowed again meanwhile, in another */
  due(row: number): QueueMail | undefined {
    let mail = this.#what.get(row);
    if (typeof mail === 'string') {
      mail = this.#mailAt(row, this.#rows.idAt(row));
      this.#forget(row);
    } else if (mail !== undefined) mail.row = undefined;
    this.#what.set(row, undefined);
    this.#rows.free(row);
    return mail;
  }

  /** To look at. @param text in lower case: those that surely do not have it in their envelope are left out */
  *all(text?: string): Generator<QueueMail> {
    for (const row of this.#rows.rows()) {
      const what = this.#what.get(row);
      if (text !== undefined && typeof what === 'string' && !what.toLowerCase().includes(text)) continue;
      yield this.#mailAt(row, this.#rows.idAt(row));
    }
  }

  /** Of each: where it went last, and why it waits. */
  *reasons(): Generator<{ readonly site: string | undefined; readonly diagnostic: Diagnostic | undefined }> {
    for (const row of this.#rows.rows())
      yield { site: this.#site.get(row), diagnostic: this.#open.diagnostic(row) };
  }

  /** When the oldest of them was accepted. */
  oldestAt(): number | undefined {
    if (this.size === 0) return undefined;
    if (this.#oldestAt === undefined) {
      this.#oldestAt = Infinity;
      for (const row of this.#rows.rows())
        this.#oldestAt = Math.min(this.#oldestAt, this.#acceptedAt.get(row));
    }
    return this.#oldestAt;
  }

  #forget(row: number): void {
    if (this.#acceptedAt.get(row) === this.#oldestAt) this.#oldestAt = undefined;
    this.#rows.forget(row);
    this.#open.clear(row);
    this.#site.set(row, undefined);
    if (this.#rows.size === 0) this.#oldestAt = Infinity;
  }

  #mailAt(row: number, id: MailId): QueueMail {
    const text = this.#what.get(row);
    const flags = this.#flags.get(row);
    const mail = new QueueMail({
      open: [this.#open.get(row)],
      place: 'defer',
      replayed: (flags & flag.replayed) !== 0,
      packed: {
        id,
        text: typeof text === 'string' ? text : '',
        acceptedAt: this.#acceptedAt.get(row),
        bounce: (flags & flag.bounce) !== 0,
        large: (flags & flag.large) !== 0 ? id : undefined,
        scheduling: undefined,
      },
    });
    mail.state = 'resting';
    mail.until = this.#due.get(row);
    mail.warned = (flags & flag.warned) !== 0;
    for (const open of mail.open) open.site = this.#site.get(row);
    return mail;
  }
}
