/**
 * What leaves in one turn of the event loop goes in one write. The client library writes after each callback,
 * which under load is a system call, and a read by the server, for each reply of a next hop.
 */
import type { NatsConnection } from 'nats';

interface Message {
  readonly subject: string;
  readonly octets: Uint8Array;
  readonly reply: string | undefined;
}

export class Outbox {
  readonly #connection: NatsConnection;
  readonly #onRefused: (subject: string, fault: unknown) => void;
  #waiting: Message[] = [];

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

  /** Hands all to the client library now, which a close of the connection must wait for. */
  flush(): void {
    this.#publish(this.#waiting.splice(0));
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
