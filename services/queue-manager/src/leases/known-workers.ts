/** Which workers there are, so that a new owner of a shard can ask each what it holds. */
import type { Clock } from '@postrider/actor';
import type { Bus } from '@postrider/bus';
import { times, type ToldWorker } from '@postrider/protocol';
import { Seen } from './seen.js';

export interface KnownWorker {
  readonly worker: string;
  /** It said that it drains: when nobody answers under its name, it has ended. Else it may be away for a moment. */
  readonly drains: boolean;
}

export interface Workers {
  /** All that may hold something; undefined until each had the time to be heard. */
  known(): readonly KnownWorker[] | undefined;
}

/** Each worker tells its gauge when it starts, and once a second; this is what one may be late. */
const late = 500;

export class KnownWorkers implements Workers {
  readonly #seen: Seen;
  readonly #clock: Clock;
  /** Whoever handed a shard over has said which there are: those that came later were heard here. */
  #told = false;

  constructor(bus: Bus, clock: Clock) {
    this.#clock = clock;
    this.#seen = new Seen(bus, clock, 'outbound-delivery');
  }

  follow(): Promise<void> {
    return this.#seen.follow();
  }

  known(): readonly KnownWorker[] | undefined {
    return this.toTell();
  }

  /** The same for an instance that may not have heard them yet. */
  toTell(): readonly ToldWorker[] | undefined {
    if (!this.#told && this.#seen.listenedFor < times.gauge + late) return undefined;
    const now = this.#clock.monotonic();
    return this.#seen.within(times.workerLost).map(({ instance, at, gauge }) => ({
      worker: instance,
      drains: gauge['ready'] === false,
      heardAgo: Math.round(now - at),
    }));
  }

  /** By an instance that knows them all. */
  told(workers: readonly ToldWorker[]): void {
    for (const { worker, drains, heardAgo } of workers) this.#seen.told(worker, heardAgo, { ready: !drains });
    this.#told = true;
  }

  stop(): void {
    this.#seen.stop();
  }
}
