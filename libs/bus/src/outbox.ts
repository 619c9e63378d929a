/**
 * What leaves in one turn of the event loop goes in one write. The client library writes after each callback,
 * which under load is a system call, and a read by the server, for each reply of a next hop. Events, which nobody
 * waits for, are gathered for longer.
 */
import type { NatsConnection } from 'nats';

interface Message {
  readonly subject: string;
  readonly octets: Uint8Array;
  readonly reply: string | undefined;
}

/** Of an event, milliseconds: nobody sees it, and a busy process writes 50 times a second instead of once a mail. */
const eventDelay = 20;

export class Outbox {
  readonly #connection: NatsConnection;
  readonly #onRefused: (subject: string, fault: unknown) => void;
  #waiting: Message[] = [];
  #events: Message[] = [];

  /** @param onRefused the connection is closed for good */
  constructor(connection: NatsConnection, onRefused: (subject: string, fault: unknown) => void) {
    this.#connection = connection;
    this.#onRefused = onRefused;
  }

  /** Order is kept. The octets must not change afterwards. */
  publish(subject: string, octets: Uint8Array, reply?: string): void {
    if (this.#waiting.length === 0) {
      setImmediate(() => {
        this.#publish(this.#waiting.splice(0));
      });
    }
    this.#waiting.push({ subject, octets, reply });
  }

  /** Goes within 20 ms, in order with other events. */
  publishEvent(subject: string, octets: Uint8Array): void {
    if (this.#events.length === 0) {
      setTimeout(() => {
        this.#publish(this.#events.splice(0));
      }, eventDelay);
    }
    this.#events.push({ subject, octets, reply: undefined });
  }

  /** Hands all to the client library now, which a close of the connection must wait for. */
  flush(): void {
    this.#publish(this.#waiting.splice(0));
    this.#publish(this.#events.splice(0));
  }

  #publish(messages: readonly Message[]): void {
    for (const { subject, octets, reply } of messages) {
      try {
        this.#connection.publish(subject, octets, reply === undefined ? undefined : { reply });
      } catch (fault) {
        this.#onRefused(subject, fault);
      }
    }
  }
}
