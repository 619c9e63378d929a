/** The instances of queue-manager that are there, by their gauges. */
import type { Clock } from '@postrider/actor';
import type { Bus } from '@postrider/bus';
import { statusSubject } from '@postrider/protocol';

/** Gauges come every second; one that was not heard for so long does not count. */
const countedFor = 5_000;

export class Members {
  readonly #clock: Clock;
  readonly #own: string;
  readonly #heard = new Map<string, number>();
  readonly #statuses: ReturnType<Bus['watch']>;

  constructor(bus: Bus, clock: Clock) {
    this.#clock = clock;
    this.#own = bus.instance;
    this.#statuses = bus.watch(statusSubject('queue-manager', '*'));
  }

  /** Follows the gauges until `stop`. */
  async follow(): Promise<void> {
    for await (const { subject } of this.#statuses) {
      const instance = subject.slice(subject.lastIndexOf('.') + 1);
      this.#heard.set(instance, this.#clock.monotonic());
    }
  }

  /** Itself included. */
  count(): number {
    const now = this.#clock.monotonic();
    for (const [instance, at] of this.#heard) if (now - at > countedFor) this.#heard.delete(instance);
    return this.#heard.size + (this.#heard.has(this.#own) ? 0 : 1);
  }

  /** It was proved to be gone. */
  forget(instance: string): void {
    this.#heard.delete(instance);
  }

  stop(): void {
    this.#statuses.stop();
  }
}
