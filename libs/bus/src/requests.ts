/** Requests over NATS and their replies, with deadlines. */
import type { Milliseconds } from '@postrider/actor';
import { ReplyInbox, suspectCut } from '@postrider/nats-server';
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

export class Requests {
  readonly #connection: NatsConnection;
  readonly #outbox: Outbox;
  readonly #deadlines: Deadlines;
  readonly #inbox: ReplyInbox<Asked>;

  constructor(connection: NatsConnection, outbox: Outbox, deadlines: Deadlines) {
    this.#connection = connection;
    this.#outbox = outbox;
    this.#deadlines = deadlines;
    this.#inbox = new ReplyInbox(connection, (reply, asked, message) =>
      this.#answered(reply, asked, message),
    );
  }

  send(subject: string, octets: Uint8Array, deadline: Milliseconds): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const waiting = this.#deadlines.add(deadline, () => {
        this.#inbox.close(reply);
        suspectCut(this.#connection);
        reject(new DeadlineExceeded(`${subject}: no answer within ${deadline} ms`));
      });
      const reply = this.#inbox.open({ subject, waiting, resolve, reject });
      this.#outbox.publish(subject, octets, reply);
    });
  }

  /** The connection is gone for good: what is asked may have been handled, and nobody will tell. */
  close(): void {
    for (const reply of this.#inbox.awaited) {
      const asked = this.#inbox.close(reply);
      if (!asked) continue;
      this.#deadlines.remove(asked.waiting);
      const text = `${asked.subject}: the connection was closed before the answer`;
      asked.reject(new DeadlineExceeded(text));
    }
  }

  #answered(reply: string, { subject, waiting, resolve, reject }: Asked, message: Msg): void {
    this.#inbox.close(reply);
    this.#deadlines.remove(waiting);
    try {
      // Only the server's own replies have headers: 503, no responders.
      if (message.headers) reject(refusal(message.headers.code, subject));
      else resolve(decodeReply(message.data));
    } catch (error) {
      reject(error);
    }
  }
}

const noResponders = 503;

const refusal = (code: number, subject: string): Error =>
  code === noResponders
    ? new NobodyAnswers(`nobody answers ${subject}`)
    : new BusAway(`${subject}: NATS answers ${code}`);
