/**
 * Failures to authenticate, by client address and by name: each makes the next answer later, and too many within the
 * time are refused without a look at what was given. Bounded in memory: the oldest are forgotten first.
 */
export interface GuardOptions {
  /** Milliseconds that never go back. */
  readonly now: () => number;
  /** Failures that are borne within the time. */
  readonly limit: () => number;
  readonly withinMilliseconds: number;
}

interface Failures {
  count: number;
  since: number;
}

const rememberedAtMost = 50_000;
const firstDelay = 500;
const longestDelay = 8_000;

export class AuthGuard {
  readonly #options: GuardOptions;
  readonly #failures = new Map<string, Failures>();

  constructor(options: GuardOptions) {
    this.#options = options;
  }

  /** @param keys whose failures count here, such as the address and the name */
  isBarred(...keys: readonly string[]): boolean {
    return keys.some((key) => this.#countOf(key) >= this.#options.limit());
  }

  /** @returns milliseconds to wait before the client hears of it */
  failed(...keys: readonly string[]): number {
    const counts = keys.map((key) => this.#count(key));
    return Math.min(longestDelay, firstDelay * 2 ** (Math.max(...counts) - 1));
  }

  /**
   * Forgives what was done under that name, to the address, too; not what the address did under other names, or whoever
   * has one password could try all others for ever.
   */
  succeeded(address: string, ...names: readonly string[]): void {
    for (const name of names) {
      const failures = this.#failures.get(address);
      if (failures) failures.count -= Math.min(failures.count, this.#countOf(name));
      this.#failures.delete(name);
    }
  }

  #countOf(key: string): number {
    const failures = this.#failures.get(key);
    if (!failures) return 0;
    if (this.#options.now() - failures.since <= this.#options.withinMilliseconds) return failures.count;
    this.#failures.delete(key);
    return 0;
  }

  #count(key: string): number {
    const count = this.#countOf(key) + 1;
    const since = this.#failures.get(key)?.since ?? this.#options.now();
    this.#failures.delete(key);
    this.#failures.set(key, { count, since });
    if (this.#failures.size > rememberedAtMost)
      for (const oldest of this.#failures.keys()) {
        this.#failures.delete(oldest);
        break;
      }
    return count;
  }
}
