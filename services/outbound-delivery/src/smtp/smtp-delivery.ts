/**
 * Delivery by SMTP or LMTP: next hops in order until one takes mail, then a session to its end; one that is worn out is
 * followed by another.
 */
import type { SecureContext } from 'node:tls';
import type { Clock } from '@postrider/actor';
import type { ChannelEnd, Destination } from '@postrider/protocol';
import type { Proxy } from '@postrider/runtime';
import type { Delivery, DeliveryState, JobSource, LargeContentReader } from '../delivery.js';
import { SmtpConnection, type SessionEnd } from './connection.js';
import type { DeadAddresses } from './dead-addresses.js';
import { peersOf, type Peer } from './next-hops.js';
import { siteFailed, type Refusal } from './trouble.js';

export interface SmtpSettings {
  readonly clock: Clock;
  /** Our name in EHLO. */
  readonly ehlo: string;
  readonly families: readonly number[];
  /** STARTTLS where it is offered. */
  readonly tls: boolean;
  readonly largeContent: LargeContentReader;
  /** For SMTP; LMTP servers are neighbours (RFC 2033 §1) and reached straight. */
  readonly proxy?: Proxy | undefined;
  readonly dead: DeadAddresses;
  /** Whose certificates prove something; absent: Node's own list. */
  readonly trust?: SecureContext | undefined;
}

/** A site with many dead addresses must not take an hour of a channel (RFC 5321 §5.1 asks for at least two). */
const addressesTried = 8;

export class SmtpDelivery implements Delivery {
  readonly #destination: Extract<Destination, { readonly nextHops: unknown }>;
  readonly #settings: SmtpSettings;
  #connection: SmtpConnection | undefined;
  #finishing = false;

  constructor(destination: Extract<Destination, { readonly nextHops: unknown }>, settings: SmtpSettings) {
    this.#destination = destination;
    this.#settings = settings;
  }

  get state(): DeliveryState {
    switch (this.#connection?.stage) {
      case 'idle':
        return 'idle';
      case 'quit':
        return 'ending';
      case 'rset':
      case 'mail':
      case 'rcpt':
      case 'data':
      case 'block':
      case 'content':
        return 'busy';
      default:
        return 'connecting';
    }
  }

  async run(jobs: JobSource): Promise<ChannelEnd> {
    for (;;) {
      const end = await this.#session(jobs);
      if (end !== 'worn') return end;
      if (this.#finishing && jobs.waiting === 0) return { reason: 'closed' };
    }
  }

  offered(): void {
    this.#connection?.offered();
  }

  finish(): void {
    this.#finishing = true;
    this.#connection?.finish();
  }

  abandon(): void {
    this.#finishing = true;
    this.#connection?.abandon();
  }

  /** One session with the first of the peers that takes mail. */
  async #session(jobs: JobSource): Promise<ChannelEnd | 'worn'> {
    const { families, dead } = this.#settings;
    const peers = peersOf(this.#destination.nextHops, { families, dead, random: Math.random });
    const refusals: Refusal[] = [];
    for (const peer of peers.slice(0, addressesTried)) {
      const end = await this.#tryPeer(peer, jobs);
      if (end.kind === 'over') return end.end;
      if (end.kind === 'worn') return 'worn';
      if (end.kind === 'refused') refusals.push(end.refusal);
      if (this.#finishing && jobs.waiting === 0) return { reason: 'closed' };
    }
    return siteFailed(refusals, peers.length <= addressesTried);
  }

  /** Opportunistic TLS: a server whose TLS does not work gets the mail as it would without (RFC 7435 §3). */
  async #tryPeer(peer: Peer, jobs: JobSource): Promise<SessionEnd> {
    const { tls } = this.#settings;
    const end = await this.#connect(peer, jobs, tls);
    return end.kind === 'tls-failed' ? this.#connect(peer, jobs, false) : end;
  }

  async #connect(peer: Peer, jobs: JobSource, tls: boolean): Promise<SessionEnd> {
    const { clock, ehlo, largeContent, dead, trust } = this.#settings;
    const lmtp = this.#destination.kind === 'lmtp';
    const proxy = lmtp ? undefined : this.#settings.proxy;
    const facts = { peer, clock, jobs, largeContent, lmtp, ehlo, tls, trust, proxy };
    this.#connection = new SmtpConnection(facts);
    // A drain that began while the last one was ending.
    if (this.#finishing) this.#connection.finish();
    const end = await this.#connection.over;
    if (end.kind === 'refused' && !end.answered) dead.add(peer);
    else dead.remove(peer);
    return end;
  }
}
