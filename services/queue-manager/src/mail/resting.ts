/** Deferred mail and when each is due: one timer, for the earliest. What can be is stowed while it rests. */
import type { Clock } from '@postrider/actor';
import { Alarm } from './alarm.js';
import type { MailBook } from './mail-book.js';
import type { QueueMail } from './queue-mail.js';
import { RetryHeap, type Due } from './retry-heap.js';

/** What is due but finds no room is asked again by those who make room; the timer is only the last resort. */
const overdueAfter = 50;
/** Mails taken up in one go: others are served between. */
const wokenAtOnce = 500;

/** What is due sooner is not stowed: `stow` is called each second. */
const soon = 5_000;

export interface RestingOptions {
  readonly clock: Clock;
  readonly book: Pick<MailBook, 'stow' | 'due'>;
  readonly room: () => boolean;
  readonly due: (mail: QueueMail) => void;
}

export class Resting {
  /** Mails, or rows of stowed ones. */
  readonly #heap = new RetryHeap<QueueMail | number>();
  readonly #options: RestingOptions;
  readonly #alarm: Alarm;
  /** Came to rest a moment ago, and perhaps are being written still. */
  #fresh: QueueMail[] = [];
  #ended = false;

  constructor(options: RestingOptions) {
    this.#options = options;
    this.#alarm = new Alarm({ clock: options.clock, overdueAfter, ring: () => this.wake() });
  }

  /** The mail is due at its `until`. */
  add(mail: QueueMail): void {
    if (mail.until - this.#options.clock.now() > soon) this.#fresh.push(mail);
    else this.#push(mail.until, mail);
  }

  /** The same of a mail of which nothing is under way: it is stowed at once. */
  put(mail: QueueMail): void {
    this.#push(mail.until, this.#options.book.stow(mail) ?? mail);
  }

  /** Every second: stows what has come to rest since, and all of which is written. */
  stow(): void {
    const fresh = this.#fresh;
    this.#fresh = [];
    for (const mail of fresh) {
      if (mail.state !== 'resting' || mail.stowed) continue;
      if (mail.writing !== undefined && mail.until - this.#options.clock.now() > soon) this.#fresh.push(mail);
      else this.put(mail);
    }
  }

  /** Takes up what is due, as far as there is room; called again when there may be more room. */
  wake(): void {
    if (this.#ended) return;
    const now = this.#options.clock.now();
    let woken = 0;
    for (let next = this.#heap.first(); next !== undefined && next.at <= now; next = this.#heap.first()) {
      if (isStale(next)) {
        this.#heap.pop();
        continue;
      }
      if (woken >= wokenAtOnce || !this.#options.room()) break;
      this.#heap.pop();
      const mail = typeof next.item === 'number' ? this.#options.book.due(next.item) : next.item;
      if (mail === undefined || isStale({ at: next.at, item: mail })) continue;
      woken++;
      this.#options.due(mail);
    }
    this.#alarm.set(this.#heap.first()?.at);
  }

  #push(at: number, item: QueueMail | number): void {
    this.#heap.push({ at, item });
    if (at < this.#alarm.at) this.#alarm.set(this.#heap.first()?.at);
  }

  end(): void {
    this.#ended = true;
    this.#alarm.end();
  }
}

/** It was taken up, held, deleted or stowed meanwhile, or is due at another time. */
const isStale = ({ at, item }: Due<QueueMail | number>): boolean =>
  typeof item !== 'number' && (item.state !== 'resting' || item.until !== at || item.stowed);
