/**
 * The instances of queue-manager that are there, by their gauges, and how many shards each says it has. One that drains
 * is not ready, and counts no more.
 */
import type { Clock } from '@postrider/actor';
import type { Bus } from '@postrider/bus';
import { Seen } from './seen.js';

/** Gauges come every second; one that was not heard for so long does not count. */
const countedFor = 5_000;
/** One that is to get a shard was heard lately. */
const heardLately = 2_500;

export class Members {
  readonly #own: string;
  readonly #seen: Seen;
  /** Shards given to an instance since its last gauge. */
  readonly #given = new Map<string, { readonly at: number; count: number }>();
  readonly #clock: Clock;

  constructor(bus: Bus, clock: Clock) {
    this.#own = bus.instance;
    this.#clock = clock;
    this.#seen = new Seen(bus, clock, 'queue-manager');
  }

  /** Follows the gauges until `stop`. */
  follow(): Promise<void> {
    return this.#seen.follow();
  }

  /** Itself included. */
  count(): number {
    return this.#others(countedFor).length + 1;
  }

  /** Who may get a shard, the one with the fewest first. */
  successors(): readonly string[] {
    return this.#others(heardLately)
      .map(({ instance, at, gauge }) => ({
        instance,
        shards: shardsIn(gauge) + this.#givenSince(instance, at),
      }))
      .sort((a, b) => a.shards - b.shards)
      .map(({ instance }) => instance);
  }

  /** It was asked to take one. */
  gave(instance: string): void {
    const count = this.#given.get(instance)?.count ?? 0;
    this.#given.set(instance, { at: this.#clock.monotonic(), count: count + 1 });
  }

  /** It was proved to be gone. */
  forget(instance: string): void {
    this.#seen.forget(instance);
    this.#given.delete(instance);
  }

  stop(): void {
    this.#seen.stop();
  }

  #others(within: number) {
    return this.#seen
      .within(within)
      .filter(({ instance, gauge }) => instance !== this.#own && gauge['ready'] !== false);
  }

  #givenSince(instance: string, heardAt: number): number {
    const given = this.#given.get(instance);
    if (given === undefined || given.at >= heardAt) return given?.count ?? 0;
    this.#given.delete(instance);
    return 0;
  }
}

const shardsIn = (gauge: Readonly<Record<string, unknown>>): number => Number(gauge['shardsOwned'] ?? 0);
