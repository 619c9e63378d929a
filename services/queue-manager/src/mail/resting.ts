/** Deferred mail and when each is due: one timer, for the earliest. */
import type { Clock, Timer } from '@postrider/actor';
import type { QueueMail } from './queue-mail.js';
import { RetryHeap } from './retry-heap.js';

/** Longest time-out that a timer takes is 24.8 days; the clock may jump, so it is looked at more often. */
const lookedAtLeastEvery = 60_000;
/** Mails taken up in one go: others are served between. */
const wokenAtOnce = 500;

export interface RestingOptions {
  readonly clock: Clock;
  readonly room: () => boolean;
  readonly due: (mail: QueueMail) => void;
}

export class Resting {
  readonly #heap = new RetryHeap<QueueMail>();
  readonly #options: RestingOptions;
  #timer: Timer | undefined;
  #timerAt = Infinity;
  #ended = false;

  constructor(options: RestingOptions) {
    this.#options = options;
  }

  /** The mail is due at its `until`. */
  add(mail: QueueMail): void {
    this.#heap.push({ at: mail.until, item: mail });
    if (mail.until < this.#timerAt) this.#arm();
  }

  /** Takes up what is due, as far as there is room; called again when there may be more room. */
  wake(): void {
    if (this.#ended) return;
    const now = this.#options.clock.now();
    let woken = 0;
    for (let next = this.#heap.first(); next !== undefined && next.at <= now; next = this.#heap.first()) {
      if (isStale(next.item, next.at)) {
        this.#heap.pop();
        continue;
      }
      if (woken >= wokenAtOnce || !this.#options.room()) break;
      this.#heap.pop();
      woken++;
      this.#options.due(next.item);
    }
    this.#arm();
  }

  end(): void {
    this.#ended = true;
    this.#timer?.cancel();
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timerAt = Infinity;
    const first = this.#heap.first();
    if (first === undefined || this.#ended) return;
    const now = this.#options.clock.now();
    this.#timerAt = first.at;
    // What is due but finds no room is asked again by those who make room; the timer is only the last resort.
    const delay = first.at <= now ? 50 : Math.min(first.at - now, lookedAtLeastEvery);
    this.#timer = this.#options.clock.after(delay, () => this.wake());
  }
}

/** It was taken up, held or deleted meanwhile, or is due at another time. */
const isStale = (mail: QueueMail, at: number): boolean => mail.state !== 'resting' || mail.until !== at;
