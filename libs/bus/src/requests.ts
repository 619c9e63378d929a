/**
 * Requests over NATS and their replies: one inbox a process, a number each. The client library's own `request`
 * makes a timer, an error with a stack and a random token for each; that is more work than all the rest.
 */
import type { Milliseconds } from '@postrider/actor';
import { inboxOf, suspectCut } from '@postrider/nats-server';
import type { Msg, NatsConnection } from 'nats';
import type { Deadlines, Waiting } from './deadlines.js';
import { BusAway, DeadlineExceeded, NobodyAnswers } from './errors.js';
import type { Outbox } from './outbox.js';
import { decodeReply } from './wire.js';

interface Asked {
  readonly subject: string;
  readonly waiting: Waiting;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Numbers in subjects are short that way. */
const radix = 36;

export class Requests {
  readonly #connection: NatsConnection;
  readonly #outbox: Outbox;
  readonly #deadlines: Deadlines;
  readonly #asked = new Map<number, Asked>();
  readonly #inbox: string;
  #listening = false;
  #next = 0;

  constructor(connection: NatsConnection, outbox: Outbox, deadlines: Deadlines) {
    this.#connection = connection;
    this.#outbox = outbox;
    this.#inbox = `${inboxOf(connection)}.`;
    this.#deadlines = deadlines;
  }

  send(subject: string, octets: Uint8Array, deadline: Milliseconds): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const number = this.#next++;
      this.#listen();
      this.#outbox.publish(subject, octets, this.#inbox + number.toString(radix));
      const waiting = this.#deadlines.add(deadline, () => {
        this.#asked.delete(number);
        suspectCut(this.#connection);
        reject(new DeadlineExceeded(`${subject}: no answer within ${deadline} ms`));
      });
      this.#asked.set(number, { subject, waiting, resolve, reject });
    });
  }

  /** The connection is gone for good: what is asked may have been handled, and nobody will tell. */
  close(): void {
    for (const [number, { subject, waiting, reject }] of this.#asked) {
      this.#asked.delete(number);
      this.#deadlines.remove(waiting);
      reject(new DeadlineExceeded(`${subject}: the connection was closed before the answer`));
    }
  }

  #listen(): void {
    if (this.#listening) return;
    this.#connection.subscribe(`${this.#inbox}*`, {
      callback: (error, message) => {
        if (!error) this.#answered(message);
      },
    });
    this.#listening = true;
  }

  /** Must not throw: the client library reads no further after that. */
  #answered(message: Msg): void {
    const number = parseInt(message.subject.slice(this.#inbox.length), radix);
    const asked = this.#asked.get(number);
    // Later than its deadline.
    if (!asked) return;
    this.#asked.delete(number);
    this.#deadlines.remove(asked.waiting);
    try {
      // Only the server's own replies have headers: 503, no responders.
      if (message.headers) asked.reject(refusal(message.headers.code, asked.subject));
      else asked.resolve(decodeReply(message.data));
    } catch (error) {
      asked.reject(error);
    }
  }
}

const noResponders = 503;

const refusal = (code: number, subject: string): Error =>
  code === noResponders
    ? new NobodyAnswers(`nobody answers ${subject}`)
    : new BusAway(`${subject}: NATS answers ${code}`);
