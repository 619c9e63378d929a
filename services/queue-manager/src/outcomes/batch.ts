/**
 * What one message, or one pass, has to write: the records of all its mails in one call, moves beside them, and what
 * is told once all of it is durable. Writes about one mail keep their order.
 */
import type { MailObject, MailRecord } from '@postrider/mail';
import type { QueueMail } from '../mail/queue-mail.js';
import type { Journal } from './journal.js';

export class Batch {
  readonly #journal: Journal;
  readonly #records: MailRecord[] = [];
  readonly #recorded: QueueMail[] = [];
  readonly #writes: Promise<void>[] = [];
  readonly #told: (() => void)[] = [];

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  record(mail: QueueMail, records: readonly MailRecord[]): void {
    if (records.length === 0) return;
    // While it moves its place is not settled, and so not the log that the record belongs to.
    if (mail.writing !== undefined) {
      this.inOrder(mail, () => this.#journal.record(records));
      return;
    }
    this.#records.push(...records);
    this.#recorded.push(mail);
  }

  /** Moves the mail to DEFER with these records. */
  defer(mail: QueueMail, object: MailObject, records: readonly MailRecord[]): void {
    this.inOrder(mail, () => this.#journal.defer(object, records));
  }

  /** A write about a mail, after those before it. */
  inOrder(mail: QueueMail, write: () => Promise<void>): void {
    const before = mail.writing;
    const done = this.#journal.track(before === undefined ? write() : before.then(write));
    this.#mark(mail, done);
    this.#writes.push(done);
  }

  /** Told when everything of this batch is durable. */
  tell(act: () => void): void {
    this.#told.push(act);
  }

  /** @throws Fenced */
  async flush(): Promise<void> {
    if (this.#records.length > 0) {
      const written = this.#journal.record(this.#records);
      for (const mail of this.#recorded) if (mail.state !== 'ended') this.#mark(mail, written);
      this.#writes.push(written);
    }
    if (this.#writes.length === 1) await this.#writes[0];
    else await Promise.all(this.#writes);
    for (const act of this.#told) act();
  }

  #mark(mail: QueueMail, write: Promise<void>): void {
    mail.writing = write;
    const done = (): void => {
      if (mail.writing === write) mail.writing = undefined;
    };
    write.then(done, done);
  }
}
