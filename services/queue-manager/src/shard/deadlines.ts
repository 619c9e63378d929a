/**
 * Mails whose sender has set a time (RFC 2852): when it is over they go back, or their sender is told and they go on. What
 * is in flight then ends its attempt first; what becomes of it is judged by the same time.
 */
import { isTooLate, type Scheduling } from '@postrider/mail';
import { Alarm } from '../mail/alarm.js';
import type { OpenState, QueueMail } from '../mail/queue-mail.js';
import { RetryHeap } from '../mail/retry-heap.js';
import { Batch } from '../outcomes/batch.js';
import type { Finding } from '../outcomes/conclusion.js';
import type { Journal } from '../outcomes/journal.js';
import type { Outcomes } from '../outcomes/outcomes.js';
import { overdue, tooLate, wasToldLate } from '../outcomes/schedule.js';
import { endedBy } from '../outcomes/verdict.js';
import type { Sites } from '../sites/sites.js';
import type { ShardEnvironment } from './environment.js';

export interface DeadlinesOptions {
  readonly environment: ShardEnvironment;
  readonly sites: Sites;
  readonly outcomes: Outcomes;
  readonly journal: Journal;
}

/** A mail that is busy when its time is over is looked at again; milliseconds. */
const lookedAgainAfter = 1_000;

export class Deadlines {
  readonly #options: DeadlinesOptions;
  readonly #heap = new RetryHeap<QueueMail>();
  readonly #alarm: Alarm;

  constructor(options: DeadlinesOptions) {
    this.#options = options;
    this.#alarm = new Alarm({
      clock: options.environment.clock,
      overdueAfter: 0,
      ring: () => this.#look(),
    });
  }

  /** A mail without such a time is none of its business. */
  add(mail: QueueMail): void {
    const at = mail.scheduling?.deliverBy?.at;
    if (at === undefined || mail.bounce) return;
    const { queue } = this.#options.environment.settings();
    mail.toldLate = mail.open.some((open) => wasToldLate(mail, open, queue));
    if (mail.toldLate) mail.warned = true;
    this.#heap.push({ at, item: mail });
    if (at < this.#alarm.at) this.#alarm.set(this.#heap.first()?.at);
  }

  end(): void {
    this.#alarm.end();
  }

  #look(): void {
    const now = this.#options.environment.clock.now();
    const again: QueueMail[] = [];
    const batch = new Batch(this.#options.journal);
    for (let next = this.#heap.first(); next !== undefined && next.at <= now; next = this.#heap.first()) {
      this.#heap.pop();
      if (!this.#isOver(next.item, now, batch)) again.push(next.item);
    }
    batch.flush().catch(() => undefined);
    for (const mail of again) this.#heap.push({ at: now + lookedAgainAfter, item: mail });
    this.#alarm.set(this.#heap.first()?.at);
  }

  /** @returns false: look again */
  #isOver(mail: QueueMail, now: number, batch: Batch): boolean {
    // Held by an administrator: judged when it is released.
    if (mail.state === 'ended' || mail.held !== undefined || mail.toldLate) return true;
    if (isTooLate(mail, now)) this.#options.sites.withdraw(new Set([mail]));
    else if (mail.busy) return false;
    if (mail.settling || mail.placing > 0 || mail.writing !== undefined) return false;
    const inFlight = new Set(mail.parts.flatMap(({ opens }) => opens));
    const opens = mail.open.filter((open) => !inFlight.has(open));
    if (opens.length > 0) this.#options.outcomes.conclude(mail, opens.map(findingOf(mail.scheduling)), batch);
    return inFlight.size === 0;
  }
}

/** A finding that changes nothing but what its sender hears, or the end. */
const findingOf =
  (scheduling: Scheduling | undefined) =>
  (open: OpenState): Finding => ({
    opens: [open],
    ...(scheduling?.deliverBy?.mode === 'R'
      ? { outcome: 'permanent', diagnostic: endedBy(tooLate, open.diagnostic) }
      : { outcome: 'overdue', diagnostic: endedBy(overdue, open.diagnostic) }),
    attempt: open.attempts,
  });
