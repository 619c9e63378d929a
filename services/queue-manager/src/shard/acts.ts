/** Acts of an administrator: each is a record in the log, and told when it is durable. */
import { releasedAt, type MailId, type MailRecord } from '@postrider/mail';
import type { MailFilter } from '@postrider/protocol';
import type { Announcer } from '../events.js';
import type { MailBook } from '../mail/mail-book.js';
import type { QueueMail } from '../mail/queue-mail.js';
import type { Resting } from '../mail/resting.js';
import { Batch } from '../outcomes/batch.js';
import { heldFacts } from '../outcomes/outcome-log.js';
import type { Journal } from '../outcomes/journal.js';
import type { Outcomes } from '../outcomes/outcomes.js';
import type { Sites } from '../sites/sites.js';
import type { ShardEnvironment } from './environment.js';
import { matcher } from './filter.js';

export interface ActsOptions {
  readonly environment: ShardEnvironment;
  readonly book: MailBook;
  readonly sites: Sites;
  readonly journal: Journal;
  readonly outcomes: Outcomes;
  readonly resting: Resting;
  readonly announcer: Announcer;
}

export class Acts {
  readonly #options: ActsOptions;

  constructor(options: ActsOptions) {
    this.#options = options;
  }

  /** Deferred mail is tried now, but not what its sender wants held (RFC 4865 §4.2); a site that was left alone too. */
  retry(filter: MailFilter): Promise<readonly MailId[]> {
    const now = this.#options.environment.clock.now();
    const mails = this.#select(filter, (mail) => mail.state === 'resting' && releasedAt(mail) <= now);
    const { announcer } = this.#options;
    return this.#act(mails, (mail, batch, at) => {
      batch.record(mail, [{ kind: 'retry', id: mail.id, at }]);
      batch.tell(() => announcer.acted('retried', mail.id, at));
      this.#due(mail, at);
    });
  }

  /** What is in flight ends its attempt first. */
  hold(filter: MailFilter, reason: string): Promise<readonly MailId[]> {
    const mails = this.#select(filter, ({ state }) => state === 'active' || state === 'resting');
    this.#options.sites.withdraw(new Set(mails));
    return this.#act(mails, (mail, batch, at) =>
      this.#hold(mail, { kind: 'hold', id: mail.id, at, reason }, batch),
    );
  }

  /** A fault of ours while handling the mail. */
  holdOne(mail: QueueMail, reason: string): void {
    this.#options.environment.log.error(heldFacts(mail.id, reason), 'mail held');
    this.#options.sites.withdraw(new Set([mail]));
    const batch = new Batch(this.#options.journal);
    const at = this.#options.environment.clock.now();
    this.#hold(mail, { kind: 'hold', id: mail.id, at, reason }, batch);
    batch.flush().catch(() => undefined);
  }

  release(filter: MailFilter): Promise<readonly MailId[]> {
    const mails = this.#select(filter, ({ held }) => held !== undefined);
    const { announcer } = this.#options;
    return this.#act(mails, (mail, batch, at) => {
      mail.held = undefined;
      for (const open of mail.open) open.unknowns = 0;
      batch.record(mail, [{ kind: 'release', id: mail.id, at }]);
      batch.tell(() => announcer.acted('released', mail.id, at));
      if (!mail.busy) this.#due(mail, at);
    });
  }

  /** An attempt in flight can't be called back; its result will find no mail. */
  delete(filter: MailFilter, by: string): Promise<readonly MailId[]> {
    const mails = this.#select(filter, () => true);
    const { announcer, book } = this.#options;
    this.#options.sites.withdraw(new Set(mails));
    return this.#act(mails, (mail, batch, at) => {
      mail.open = [];
      mail.settling = false;
      book.to(mail, 'ended');
      batch.record(mail, [{ kind: 'delete', id: mail.id, at, by }]);
      batch.tell(() => announcer.deleted(mail.id, by));
    });
  }

  #hold(mail: QueueMail, record: Extract<MailRecord, { readonly kind: 'hold' }>, batch: Batch): void {
    const { announcer, outcomes } = this.#options;
    mail.held = record.reason;
    mail.settling = false;
    batch.tell(() => announcer.held(mail.id, record.reason, record.at));
    outcomes.settle(mail, [record], batch);
  }

  /** It is taken up as soon as the window has room. */
  #due(mail: QueueMail, now: number): void {
    const { book, sites, resting } = this.#options;
    const releasedLater = releasedAt(mail) > now;
    for (const open of mail.open) {
      open.until = releasedLater ? releasedAt(mail) : 0;
      const site = open.site === undefined ? undefined : sites.get(open.site);
      if (site !== undefined) site.block = undefined;
    }
    mail.until = Math.max(now, releasedAt(mail));
    book.to(mail, 'resting');
    resting.add(mail);
  }

  #select(filter: MailFilter, state: (mail: QueueMail) => boolean): readonly QueueMail[] {
    const matches = matcher(filter);
    const { book } = this.#options;
    const found: MailId[] = [];
    for (const mail of book.candidates(filter)) if (state(mail) && matches(mail)) found.push(mail.id);
    return found.flatMap((id) => book.get(id) ?? []);
  }

  async #act(
    mails: readonly QueueMail[],
    act: (mail: QueueMail, batch: Batch, at: number) => void,
  ): Promise<readonly MailId[]> {
    const batch = new Batch(this.#options.journal);
    const at = this.#options.environment.clock.now();
    for (const mail of mails) act(mail, batch, at);
    const written = batch.flush();
    this.#options.resting.wake();
    await written;
    return mails.map(({ id }) => id);
  }
}
