/**
 * Limits of the clients of named networks (`limits.networks`): they stand in the place of those of the listener. The
 * narrowest network that a client is in counts. Connections are counted over all clients of the network; with a
 * `per_client` of its own each client is counted for itself, those of `relay.networks` too, since they are named.
 */
import type { Clock } from '@postrider/actor';
import { isInNetwork, type AddressRange } from '@postrider/mail';
import type { Config } from '@postrider/runtime';
import { withOwn, type Settings } from '../settings.js';
import { ClientLimits } from './client-limits.js';

type OwnLimits = Config['limits']['networks'][string];

export interface NamedRange {
  readonly name: string;
  readonly range: AddressRange;
}

export interface NetworkOfClient {
  readonly own: OwnLimits;
  /** Absent: clients are counted as elsewhere. */
  readonly clients?: ClientLimits;
  /** Counts a connection. @returns false when it is one too many; then it is not counted */
  connected(): boolean;
  /** A connection that was counted is over. */
  disconnected(): void;
}

/** The narrowest first. */
export const namedRanges = (networks: Config['limits']['networks']): readonly NamedRange[] =>
  Object.entries(networks)
    .flatMap(([name, { networks: ranges }]) => ranges.map((range) => ({ name, range })))
    .sort((a, b) => b.range.prefix - a.range.prefix);

export class NetworkLimits {
  readonly #clock: Clock;
  readonly #settings: () => Settings;
  /** Kept over changes of the configuration. */
  readonly #counted = new Map<string, { open: number; readonly clients: ClientLimits }>();

  /** @param settings those in force whenever they are asked for */
  constructor(clock: Clock, settings: () => Settings) {
    this.#clock = clock;
    this.#settings = settings;
  }

  /** @returns undefined for a client of no named network */
  of(address: string): NetworkOfClient | undefined {
    const { clientNetworks, limits } = this.#settings();
    const found = clientNetworks.find(({ range }) => isInNetwork(address, range));
    const own = found && limits.networks[found.name];
    if (!own) return undefined;
    const counted = this.#countedOf(found.name);
    return {
      own,
      ...(own.per_client ? { clients: counted.clients } : {}),
      connected() {
        if (own.connections !== undefined && counted.open >= own.connections) return false;
        counted.open++;
        return true;
      },
      disconnected() {
        counted.open--;
      },
    };
  }

  #countedOf(name: string): { open: number; readonly clients: ClientLimits } {
    const known = this.#counted.get(name);
    if (known) return known;
    const clients = new ClientLimits({
      now: () => this.#clock.monotonic(),
      limits: () => {
        const { limits } = this.#settings();
        return withOwn(limits.per_client, limits.networks[name]?.per_client);
      },
      isOurs: () => false,
    });
    const counted = { open: 0, clients };
    this.#counted.set(name, counted);
    return counted;
  }
}
