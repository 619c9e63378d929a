/** One timer for the earliest of many times. */
import type { Clock, Timer } from '@postrider/actor';

/** Longest time-out that a timer takes is 24.8 days; the clock may jump, so it is looked at more often. */
const lookedAtLeastEvery = 60_000;

export interface AlarmOptions {
  readonly clock: Clock;
  /** Rings after so long for a time that is over already, milliseconds. */
  readonly overdueAfter: number;
  /** Looks what is due, and sets the alarm anew; it may ring before anything is. */
  readonly ring: () => void;
}

export class Alarm {
  readonly #options: AlarmOptions;
  #timer: Timer | undefined;
  #at = Infinity;
  #ended = false;

  constructor(options: AlarmOptions) {
    this.#options = options;
  }

  /** When it rings next, milliseconds since the epoch; Infinity: not at all. */
  get at(): number {
    return this.#at;
  }

  /** @param at milliseconds since the epoch; undefined: there is nothing to wait for */
  set(at: number | undefined): void {
    this.#timer?.cancel();
    this.#at = Infinity;
    if (at === undefined || this.#ended) return;
    const { clock, overdueAfter, ring } = this.#options;
    const left = at - clock.now();
    this.#at = at;
    this.#timer = clock.after(left <= 0 ? overdueAfter : Math.min(left, lookedAtLeastEvery), ring);
  }

  end(): void {
    this.#ended = true;
    this.#timer?.cancel();
  }
}
