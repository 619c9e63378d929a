/** The deadlines of all asks under one timer: thousands a second need none of their own. */
import type { Clock, Milliseconds, Timer } from '@postrider/actor';

/** How late a deadline may be noticed. While nothing is asked nothing is looked at. */
const lookedAtEvery: Milliseconds = 25;

export interface Waiting {
  /** By the monotonic clock. */
  readonly expiresAt: Milliseconds;
  expire(): void;
}

export class Deadlines {
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiting>();
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(delay: Milliseconds, expire: () => void): Waiting {
    const waiting = { expiresAt: this.#clock.monotonic() + delay, expire };
    this.#waiting.add(waiting);
    this.#timer ??= this.#clock.after(Math.min(delay, lookedAtEvery), () => this.#look());
    return waiting;
  }

  remove(waiting: Waiting): void {
    this.#waiting.delete(waiting);
  }

  #look(): void {
    const now = this.#clock.monotonic();
    for (const waiting of this.#waiting) {
      if (waiting.expiresAt > now) continue;
      this.#waiting.delete(waiting);
      waiting.expire();
    }
    this.#timer = this.#waiting.size > 0 ? this.#clock.after(lookedAtEvery, () => this.#look()) : undefined;
  }
}
