/** Deferred mail and when each is due: one timer, for the earliest. */
import type { Clock } from '@postrider/actor';
import { Alarm } from './alarm.js';
import type { QueueMail } from './queue-mail.js';
import { RetryHeap } from './retry-heap.js';

/** What is due but finds no room is asked again by those who make room; the timer is only the last resort. */
const overdueAfter = 50;
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
  readonly #alarm: Alarm;
  #ended = false;

  constructor(options: RestingOptions) {
    this.#options = options;
    this.#alarm = new Alarm({ clock: options.clock, overdueAfter, ring: () => this.wake() });
  }

  /** The mail is due at its `until`. */
  add(mail: QueueMail): void {
    this.#heap.push({ at: mail.until, item: mail });
    if (mail.until < this.#alarm.at) this.#alarm.set(this.#heap.first()?.at);
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
    this.#alarm.set(this.#heap.first()?.at);
  }

  end(): void {
    this.#ended = true;
    this.#alarm.end();
  }
}

/** It was taken up, held or deleted meanwhile, or is due at another time. */
const isStale = (mail: QueueMail, at: number): boolean => mail.state !== 'resting' || mail.until !== at;
