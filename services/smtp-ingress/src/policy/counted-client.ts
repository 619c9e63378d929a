/**
 * For whom a connection is counted, and the limits that come of it: those of the client's network, where it has some,
 * else those of the listener. Who speaks for another (XCLIENT) is counted no more, and the other in its place.
 */
import { ofSession, withOwn, type Settings } from '../settings.js';
import type { ClientLimits } from './client-limits.js';
import type { NetworkLimits } from './network-limits.js';

export interface ClientTerms {
  /** Counts what each client takes. */
  readonly clients: ClientLimits;
  /** In force when the session began, or the client became another. */
  readonly limits: Settings['limits'];
}

/** Whose limit is reached. */
export interface OneTooMany {
  readonly tooManyOf: 'client' | 'network';
}

export class CountedClient {
  readonly #networks: NetworkLimits;
  readonly #ofListener: ClientTerms;
  /** Gives back what is counted. */
  #uncount: () => void = () => undefined;
  #isGone = false;

  constructor(networks: NetworkLimits, ofListener: ClientTerms) {
    this.#networks = networks;
    this.#ofListener = ofListener;
  }

  /** The connection is that client's from now on. @returns its terms; where it is one too many, it is not counted */
  becomes(address: string): ClientTerms | OneTooMany {
    this.#giveBack();
    const network = this.#networks.of(address);
    const clients = network?.clients ?? this.#ofListener.clients;
    if (this.#isGone) return { ...this.#ofListener, clients };
    if (network?.connected() === false) return { tooManyOf: 'network' };
    if (!clients.connected(address)) {
      network?.disconnected();
      return { tooManyOf: 'client' };
    }
    this.#uncount = () => {
      network?.disconnected();
      clients.disconnected(address);
    };
    const { limits } = this.#ofListener;
    return { clients, limits: network ? withOwn(limits, ofSession(network.own)) : limits };
  }

  /** The connection is over. */
  gone(): void {
    this.#isGone = true;
    this.#giveBack();
  }

  #giveBack(): void {
    const uncount = this.#uncount;
    this.#uncount = () => undefined;
    uncount();
  }
}
