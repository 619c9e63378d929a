/**
 * Events on their way to NATS. Nobody waits for one, so they are gathered for a while. Those that NATS may not have got
 * - it is away, or the connection broke before the server answered a ping behind them - are kept as far as there is
 * room, and told when it is back: some twice then, with the same id.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { NatsConnection } from 'nats';

export interface EventOutboxOptions {
  readonly connection: Pick<NatsConnection, 'publish' | 'flush'>;
  readonly connected: () => boolean;
  /** The client library takes it no more. */
  readonly refused: (subject: string, fault: unknown) => void;
}

interface Event {
  readonly subject: string;
  readonly octets: Uint8Array;
}

/** Milliseconds: nobody sees it, and a busy process writes 50 times a second instead of once a mail. */
const gatheredFor = 20;
/** Milliseconds: what was told within it is told again when the connection breaks. */
const confirmedEvery = 250;
/** Of the newest. */
const kept = { events: 4_096, octets: 4 * 1024 * 1024 };

export class EventOutbox {
  /** That waited for NATS, and for which there was no room. */
  dropped = 0;
  readonly #options: EventOutboxOptions;
  readonly #waiting = new Newest();
  /** Given to the client library, and not surely at the server. */
  readonly #told = new Newest();
  #gathering = false;
  #confirming = false;

  constructor(options: EventOutboxOptions) {
    this.#options = options;
  }

  /** Goes within 20 ms, in order with other events, or when NATS is back. The octets must not change afterwards. */
  publish(subject: string, octets: Uint8Array): void {
    const connected = this.#options.connected();
    if (connected && !this.#waiting.hasRoom(octets.length)) this.flush();
    this.dropped += this.#waiting.add({ subject, octets });
    if (this.#gathering || !connected) return;
    this.#gathering = true;
    setTimeout(() => {
      this.#gathering = false;
      if (this.#options.connected()) this.flush();
    }, gatheredFor);
  }

  /** NATS is back: first what it may not have got. */
  reconnected(): void {
    const waiting = this.#waiting.take();
    for (const event of [...this.#told.take(), ...waiting]) this.dropped += this.#waiting.add(event);
    this.flush();
  }

  /** Hands all to the client library now, which a close of the connection must wait for. */
  flush(): void {
    for (const event of this.#waiting.take()) {
      try {
        this.#options.connection.publish(event.subject, event.octets);
        this.#told.add(event);
      } catch (fault) {
        this.#options.refused(event.subject, fault);
      }
    }
    if (!this.#confirming) void this.#confirm();
  }

  /** The server answers a ping when it has all that was sent before. Never rejects. */
  async #confirm(): Promise<void> {
    this.#confirming = true;
    try {
      while (this.#told.length > 0) {
        const { last } = this.#told;
        await this.#options.connection.flush();
        this.#told.forgetUpTo(last);
        await pause(confirmedEvery, undefined, { ref: false });
      }
    } catch {
      // The connection broke: they are told again.
    } finally {
      this.#confirming = false;
    }
  }
}

/** Events in order, the oldest gone where there are too many. */
class Newest {
  #events: Event[] = [];
  #octets = 0;
  /** Number of the newest, from 1 on. */
  last = 0;

  get length(): number {
    return this.#events.length;
  }

  /** For one more of that size. */
  hasRoom(octets: number): boolean {
    return this.#events.length < kept.events && this.#octets + octets <= kept.octets;
  }

  /** @returns how many had to go */
  add(event: Event): number {
    this.last++;
    this.#events.push(event);
    this.#octets += event.octets.length;
    let gone = 0;
    while (this.#events.length > kept.events || (this.#octets > kept.octets && this.#events.length > 1))
      gone += this.#forgetFirst();
    return gone;
  }

  take(): readonly Event[] {
    const events = this.#events;
    this.#events = [];
    this.#octets = 0;
    return events;
  }

  forgetUpTo(number: number): void {
    while (this.#events.length > 0 && this.last - this.#events.length < number) this.#forgetFirst();
  }

  #forgetFirst(): number {
    const first = this.#events.shift();
    this.#octets -= first?.octets.length ?? 0;
    return first === undefined ? 0 : 1;
  }
}
