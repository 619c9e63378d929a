/**
 * May traffic come to this process? Ready after the first connection to NATS; a blip of NATS changes nothing, since
 * all processes would be unready at once and clients would find nobody to hear 451 from.
 */

/** Without NATS for longer: not ready, milliseconds. */
export const natsAwayAtMost = 30_000;

export interface Readiness {
  readonly ready: boolean;
  readonly reason?: string;
}

export class ProcessState {
  readonly #now: () => number;
  #started = false;
  #draining = false;
  /** Monotonic milliseconds; undefined while connected. */
  #natsAwaySince: number | undefined;

  /** @param now monotonic milliseconds */
  constructor(now: () => number) {
    this.#now = now;
    this.#natsAwaySince = now();
  }

  /** All services have started. */
  started(): void {
    this.#started = true;
  }

  natsConnected(connected: boolean): void {
    this.#natsAwaySince = connected ? undefined : this.#now();
  }

  draining(): void {
    this.#draining = true;
  }

  natsAwayForInMilliseconds(): number {
    return this.#natsAwaySince === undefined ? 0 : Math.round(this.#now() - this.#natsAwaySince);
  }

  readiness(): Readiness {
    if (this.#draining) return { ready: false, reason: 'draining' };
    if (!this.#started) return { ready: false, reason: 'not connected to NATS yet' };
    const away = this.natsAwayForInMilliseconds();
    if (away > natsAwayAtMost)
      return { ready: false, reason: `without NATS for ${Math.round(away / 1000)} s` };
    return { ready: true };
  }
}
