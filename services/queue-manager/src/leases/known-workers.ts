/** Which workers there are, so that a new owner of a shard can ask each what it holds. */
import type { Clock } from '@postrider/actor';
import type { Bus } from '@postrider/bus';
import { times } from '@postrider/protocol';
import { Seen } from './seen.js';

export interface KnownWorker {
  readonly worker: string;
  /** Its last gauge is so old that it is gone, if nobody answers under its name. Else it may be of a version that can't. */
  readonly silent: boolean;
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

  constructor(bus: Bus, clock: Clock) {
    this.#clock = clock;
    this.#seen = new Seen(bus, clock, 'outbound-delivery');
  }

  follow(): Promise<void> {
    return this.#seen.follow();
  }

  known(): readonly KnownWorker[] | undefined {
    if (this.#seen.listenedFor < times.gauge + late) return undefined;
    const now = this.#clock.monotonic();
    return this.#seen
      .within(times.workerLost)
      .map(({ instance, at }) => ({ worker: instance, silent: now - at > times.gauge + late }));
  }

  stop(): void {
    this.#seen.stop();
  }
}
