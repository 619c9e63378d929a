/**
 * One slow or dead site must not fill the window that all share: what can't be sent soon leaves it for DEFER, with no
 * attempt counted. So does mail that pins its log for too long.
 */
import type { MailId } from '@postrider/mail';
import type { MailBook } from '../mail/mail-book.js';
import type { QueueMail } from '../mail/queue-mail.js';
import type { Resting } from '../mail/resting.js';
import { Batch } from '../outcomes/batch.js';
import { restated } from '../outcomes/conclusion.js';
import type { Journal } from '../outcomes/journal.js';
import type { Site } from '../sites/site.js';
import type { Sites } from '../sites/sites.js';
import type { ShardEnvironment } from './environment.js';

export interface ReliefOptions {
  readonly environment: ShardEnvironment;
  readonly book: MailBook;
  readonly sites: Sites;
  readonly resting: Resting;
  readonly journal: Journal;
}

/** Looks, one a second, at a full window without a departure, before the longest queue has to leave. */
const looksBefore = 3;
/** When mail that was set aside asks for its turn again. */
const asideFor = 30_000;

export class WindowRelief {
  readonly #options: ReliefOptions;
  #departures = 0;
  #stuck = 0;

  constructor(options: ReliefOptions) {
    this.#options = options;
  }

  /** Every second. */
  look(): void {
    const { book, sites } = this.#options;
    const moved = book.departures !== this.#departures;
    this.#departures = book.departures;
    this.#stuck = book.room() || moved ? 0 : this.#stuck + 1;
    if (this.#stuck < looksBefore) return;
    this.#stuck = 0;
    const longest = [...sites.all()].reduce<Site | undefined>(
      (most, site) => (most === undefined || site.waits > most.waits ? site : most),
      undefined,
    );
    if (longest === undefined || longest.waits === 0) return;
    this.#options.environment.log.info(
      { site: longest.name, mails: longest.waits },
      'site set aside: the window is full',
    );
    this.setAside(longest.waiting.take(() => true).map(({ mail }) => mail));
  }

  /** Mail that pins SPOOL: what is in flight stays for now, and will be named again. */
  pinned(ids: readonly MailId[]): void {
    this.setAside(ids.flatMap((id) => this.#options.book.get(id) ?? []));
  }

  setAside(mails: readonly QueueMail[]): void {
    const { sites, journal } = this.#options;
    const movable = mails.filter((mail) => isMovable(mail));
    sites.withdraw(new Set(movable));
    const batch = new Batch(journal);
    for (const mail of movable) this.#move(mail, batch);
    batch.flush().catch(() => undefined);
  }

  #move(mail: QueueMail, batch: Batch): void {
    const { environment, book, resting } = this.#options;
    mail.parts = [];
    const { envelope, content } = mail;
    const now = environment.clock.now();
    if (mail.state === 'active') {
      mail.until = now + asideFor;
      book.to(mail, 'resting');
      resting.add(mail);
    }
    const moves = mail.place === 'spool';
    mail.place = 'defer';
    book.leave(mail);
    if (moves)
      batch.defer(
        mail,
        content === undefined ? { envelope } : { envelope, content },
        restated(mail, [], now),
      );
  }
}

/** Nothing of it is in flight, being looked up, or being written. */
function isMovable(mail: QueueMail): boolean {
  if (mail.state === 'ended' || mail.placing > 0 || mail.settling || mail.writing !== undefined) return false;
  return (
    mail.parts.every(({ channel }) => channel === undefined) && (mail.inWindow || mail.place === 'spool')
  );
}
