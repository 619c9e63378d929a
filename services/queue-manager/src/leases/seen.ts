/** The instances of a service, by their gauges: when each was heard last, and what it said. */
import type { Clock } from '@postrider/actor';
import type { Bus } from '@postrider/bus';
import { statusSubject, type ServiceName } from '@postrider/protocol';

export interface SeenInstance {
  readonly instance: string;
  /** Monotonic milliseconds. */
  readonly at: number;
  readonly gauge: Readonly<Record<string, unknown>>;
}

/** What was not heard for longer is forgotten. */
const keptFor = 60_000;

export class Seen {
  readonly #clock: Clock;
  readonly #heard = new Map<string, SeenInstance>();
  readonly #statuses: ReturnType<Bus['watch']>;
  readonly #since: number;

  constructor(bus: Bus, clock: Clock, service: ServiceName) {
    this.#clock = clock;
    this.#since = clock.monotonic();
    this.#statuses = bus.watch(statusSubject(service, '*'));
  }

  /** How long it has been listening, milliseconds. */
  get listenedFor(): number {
    return this.#clock.monotonic() - this.#since;
  }

  /** Follows the gauges until `stop`. */
  async follow(): Promise<void> {
    for await (const { subject, value } of this.#statuses) {
      const instance = subject.slice(subject.lastIndexOf('.') + 1);
      const gauge = typeof value === 'object' && value !== null ? { ...value } : {};
      this.#heard.set(instance, { instance, at: this.#clock.monotonic(), gauge });
    }
  }

  /** Those heard within the last so many milliseconds. */
  within(time: number): readonly SeenInstance[] {
    const now = this.#clock.monotonic();
    for (const { instance, at } of this.#heard.values()) if (now - at > keptFor) this.#heard.delete(instance);
    return [...this.#heard.values()].filter(({ at }) => now - at <= time);
  }

  /** Another process has heard it, that many milliseconds ago. */
  told(instance: string, ago: number, gauge: SeenInstance['gauge']): void {
    const at = this.#clock.monotonic() - ago;
    if (at > (this.#heard.get(instance)?.at ?? -Infinity)) this.#heard.set(instance, { instance, at, gauge });
  }

  forget(instance: string): void {
    this.#heard.delete(instance);
  }

  stop(): void {
    this.#statuses.stop();
  }
}
