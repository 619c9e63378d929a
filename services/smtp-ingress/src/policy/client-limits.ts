/**
 * What one client may take of us: an IPv4 address, or an IPv6 /64, which one host has for itself. Clients of
 * `relay.networks` are ours, and are not counted. A limit of 0 is none.
 */
import type { Clock } from '@postrider/actor';
import { addressOctets, mayRelay } from '@postrider/mail';
import type { Config, Listener } from '@postrider/runtime';
import { withOwn, type Settings } from '../settings.js';

export type Counted = 'connections' | 'mails' | 'recipients';

interface Counts {
  /** Open now. */
  open: number;
  /** In the minute that began then. */
  since: number;
  connections: number;
  mails: number;
  recipients: number;
}

export interface ClientLimitOptions {
  /** Milliseconds that never go back. */
  readonly now: () => number;
  readonly limits: () => Config['limits']['per_client'];
  readonly isOurs: (address: string) => boolean;
}

const minute = 60_000;
/** Clients that are remembered only for what they did within the minute. */
const rememberedAtMost = 100_000;

export class ClientLimits {
  readonly #options: ClientLimitOptions;
  readonly #clients = new Map<string, Counts>();

  constructor(options: ClientLimitOptions) {
    this.#options = options;
  }

  /** Counts a connection. @returns false when it is one too many; then it is not counted as open */
  connected(address: string): boolean {
    const { limits, isOurs } = this.#options;
    if (isOurs(address)) return true;
    const counts = this.#countsOf(address);
    const { connections } = limits();
    if (connections > 0 && counts.open >= connections) return false;
    if (!this.#isWithin(counts, 'connections')) return false;
    counts.open++;
    return true;
  }

  /** A connection that was counted is over. */
  disconnected(address: string): void {
    const counts = this.#clients.get(clientOf(address));
    if (counts && counts.open > 0) counts.open--;
  }

  /** Counts one more. @returns false when it is one too many in this minute */
  counts(address: string, what: 'mails' | 'recipients'): boolean {
    const limit = this.#options.limits()[`${what}_a_minute`];
    if (limit === 0 || this.#options.isOurs(address)) return true;
    return this.#isWithin(this.#countsOf(address), what);
  }

  #isWithin(counts: Counts, what: Counted): boolean {
    const limit = this.#options.limits()[`${what}_a_minute`];
    return ++counts[what] <= limit || limit === 0;
  }

  #countsOf(address: string): Counts {
    const now = this.#options.now();
    const key = clientOf(address);
    const known = this.#clients.get(key);
    if (known && now - known.since < minute) return known;
    const fresh = { open: known?.open ?? 0, since: now, connections: 0, mails: 0, recipients: 0 };
    if (!known && this.#clients.size >= rememberedAtMost) this.#forget(now);
    this.#clients.set(key, fresh);
    return fresh;
  }

  #forget(now: number): void {
    for (const [key, { open, since }] of this.#clients)
      if (open === 0 && now - since >= minute) this.#clients.delete(key);
  }
}

/** @param address IPv4 or IPv6 */
export function clientOf(address: string): string {
  const octets = addressOctets(address);
  if (octets?.length !== 16) return address;
  return [0, 2, 4, 6].map((n) => (((octets[n] ?? 0) << 8) | (octets[n + 1] ?? 0)).toString(16)).join(':');
}

/**
 * @param settings those in force whenever they are asked for
 * @param own what is otherwise for one listener, which then counts for itself
 */
export const clientLimits = (
  clock: Clock,
  settings: () => Settings,
  own: Listener['limits']['per_client'] = {},
): ClientLimits =>
  new ClientLimits({
    now: () => clock.monotonic(),
    limits: () => withOwn(settings().limits.per_client, own),
    isOurs: (address) => mayRelay(address, settings().relay),
  });
