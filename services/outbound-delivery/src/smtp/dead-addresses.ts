/** Addresses that did not answer lately: each new channel of a site would else wait for them once more. */
import type { Clock } from '@postrider/actor';
import type { Peer } from './next-hops.js';

/** Long enough to spare a burst of new channels the wait, short enough to notice that a host is back. */
const rememberedFor = 60_000;
const addressesAtMost = 10_000;

export class DeadAddresses {
  readonly #clock: Clock;
  /** By address and port: until when, monotonic. In the order of their ends. */
  readonly #until = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(peer: Peer): void {
    const key = keyOf(peer);
    this.#until.delete(key);
    this.#until.set(key, this.#clock.monotonic() + rememberedFor);
    const [oldest] = this.#until.keys();
    if (this.#until.size > addressesAtMost && oldest !== undefined) this.#until.delete(oldest);
  }

  has(peer: Peer): boolean {
    const until = this.#until.get(keyOf(peer));
    return until !== undefined && until > this.#clock.monotonic();
  }

  /** It has answered. */
  remove(peer: Peer): void {
    this.#until.delete(keyOf(peer));
  }
}

const keyOf = ({ address, port }: Peer): string => `${address} ${port}`;
