/** Which workers there are, so that a new owner of a shard can ask each what it holds. */
import type { Clock } from '@postrider/actor';
import type { Bus } from '@postrider/bus';
import { times } from '@postrider/protocol';
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

  constructor(bus: Bus, clock: Clock) {
    this.#seen = new Seen(bus, clock, 'outbound-delivery');
  }

  follow(): Promise<void> {
    return this.#seen.follow();
  }

  known(): readonly KnownWorker[] | undefined {
    if (this.#seen.listenedFor < times.gauge + late) return undefined;
    return this.#seen
      .within(times.workerLost)
      .map(({ instance, gauge }) => ({ worker: instance, drains: gauge['ready'] === false }));
  }

  stop(): void {
    this.#seen.stop();
  }
}
