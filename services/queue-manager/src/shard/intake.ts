/**
 * Reads the shard's live mail as far as the window has room, and gives each to where it belongs: to its sites, to
 * rest, or held.
 */
import { setImmediate as pause } from 'node:timers/promises';
import { releasedAt, type MailId } from '@postrider/mail';
import type { SpooledMail } from '@postrider/spool';
import type { Announcer } from '../events.js';
import type { MailBook } from '../mail/mail-book.js';
import { earliestUntil, QueueMail } from '../mail/queue-mail.js';
import type { Resting } from '../mail/resting.js';
import { Batch } from '../outcomes/batch.js';
import type { Journal } from '../outcomes/journal.js';
import { heldFacts } from '../outcomes/outcome-log.js';
import type { Outcomes } from '../outcomes/outcomes.js';
import { wasWarned } from '../outcomes/schedule.js';
import type { Deadlines } from './deadlines.js';
import type { ShardEnvironment } from './environment.js';
import type { Placing } from './placing.js';
import type { Settling } from './settling.js';

export interface IntakeOptions {
  readonly environment: ShardEnvironment;
  readonly book: MailBook;
  readonly resting: Resting;
  readonly journal: Journal;
  readonly outcomes: Outcomes;
  readonly placing: Placing;
  readonly settling: Settling;
  readonly deadlines: Deadlines;
  readonly announcer: Announcer;
  /** The log can't be read any further by us. */
  readonly failed: (fault: unknown) => void;
}

/** Recipients due within this of each other are tried together. */
const togetherWithin = 1_000;
/** About ten milliseconds of work. */
const admittedAtOnce = 1_000;

export class Intake {
  readonly #options: IntakeOptions;
  #ended = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** Deferred mail of the takeover: some at a time, so that a million of them do not stand in the lease's way. */
  async admitDeferred(): Promise<void> {
    let admitted = 0;
    for (const spooled of this.#options.environment.owner.deferred) {
      this.#admitSafely(spooled);
      if (++admitted % admittedAtOnce === 0) await pause();
      if (this.#stopped()) return;
    }
  }

  /** Then the log, for as long as the shard is owned. */
  start(): void {
    void this.#read().catch(this.#options.failed);
  }

  end(): void {
    this.#ended = true;
    this.#options.book.close();
  }

  /** A resting mail's time has come. */
  due(mail: QueueMail): void {
    const now = this.#options.environment.clock.now();
    if (mail.replayed && this.#options.settling.add(mail)) {
      this.#options.book.to(mail, 'active');
      return;
    }
    this.take(mail, now);
  }

  /** Those of its recipients that are due go to their sites; the others go on waiting. */
  take(mail: QueueMail, now = this.#options.environment.clock.now()): void {
    if (mail.state === 'ended' || mail.state === 'held') return;
    const due = mail.open.filter(({ until }) => until <= now + togetherWithin);
    // Set aside without a time of its own, or the clock went back: all of it.
    this.#options.placing.place(mail, due.length > 0 ? due : mail.open);
  }

  async #read(): Promise<void> {
    const { environment, book } = this.#options;
    for await (const spooled of environment.owner.mails()) {
      if (this.#ended) return;
      this.#admitSafely(spooled);
      if (!book.room()) await book.whenRoom();
      if (this.#stopped()) return;
    }
  }

  #stopped(): boolean {
    return this.#ended;
  }

  /** A fault while one mail is taken in must not stop those behind it: that mail is held. */
  #admitSafely(spooled: SpooledMail): void {
    try {
      this.#admit(spooled);
    } catch (fault) {
      const { environment, journal } = this.#options;
      const id = idOf(spooled);
      const reason = `fault: ${String(fault)}`;
      environment.log.error(heldFacts(id, reason), 'mail held');
      const at = environment.clock.now();
      journal.record([{ kind: 'hold', id, at, reason }]).catch(() => undefined);
    }
  }

  #admit(spooled: SpooledMail): void {
    const { book, environment, settling, placing } = this.#options;
    const id = idOf(spooled);
    if (book.peek(id) !== undefined) return;
    const mail = new QueueMail(spooled);
    const now = environment.clock.now();
    const { queue } = environment.settings();
    mail.warned = mail.open.some((open) => wasWarned(mail, open, queue));
    book.add(mail);
    this.#options.deadlines.add(mail);
    if (mail.held !== undefined && !mail.replayed)
      this.#options.announcer.held(mail.id, mail.held, mail.acceptedAt);
    if (releasedAt(mail) > now) this.#untilRelease(mail);
    if (mail.held !== undefined || earliestUntil(mail.open) > now) {
      this.#putAway(mail);
      return;
    }
    if (mail.place === 'defer') {
      this.#rest(mail);
      return;
    }
    if (!settling.add(mail))
      placing.place(mail, mail.open.length === 1 ? mail.open : mail.open.filter(({ until }) => until <= now));
  }

  /** Its sender wants it held (RFC 4865 §4.2): follows from the envelope, so that no record says it. */
  #untilRelease(mail: QueueMail): void {
    const until = releasedAt(mail);
    const text = `held until ${new Date(until).toISOString()}, as its sender wants it`;
    const diagnostic = { status: '4.3.2', text };
    for (const open of mail.open) {
      open.until = Math.max(open.until, until);
      open.diagnostic ??= diagnostic;
    }
    if (mail.replayed) return;
    const recipients = mail.forwardPaths(mail.open);
    const facts = { recipients, first: mail.open[0]?.index ?? 0, attempt: 0, until, diagnostic };
    this.#options.announcer.fact(mail.id, { kind: 'deferred', ...facts });
  }

  /** Found in SPOOL and not to be tried now: it goes to where such mail is kept. */
  #putAway(mail: QueueMail): void {
    if (mail.place === 'spool') {
      const batch = new Batch(this.#options.journal);
      this.#options.outcomes.settle(mail, [], batch);
      batch.flush().catch(() => undefined);
    } else if (mail.held === undefined) this.#rest(mail);
    else this.#keepHeld(mail);
  }

  #keepHeld(mail: QueueMail): void {
    this.#options.book.to(mail, 'held');
    mail.pack();
  }

  #rest(mail: QueueMail): void {
    const { book, resting, environment } = this.#options;
    mail.until = Math.max(earliestUntil(mail.open), environment.clock.now());
    book.to(mail, 'resting');
    mail.pack();
    resting.put(mail);
  }
}

const idOf = (spooled: SpooledMail): MailId => spooled.packed?.id ?? spooled.mail.envelope.id;
