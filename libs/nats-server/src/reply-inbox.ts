/**
 * Questions over NATS and what comes back: one subscription for all of a connection, a subject below it for each. The
 * client library's own `request` makes a timer, an error with a stack and a random token for each, and a subscription
 * of its own would empty the server's cache of who gets what.
 */
import type { Msg, NatsConnection } from 'nats';
import { inboxOf } from './connect.js';

/** Numbers in subjects are short that way. */
const radix = 36;

/** What is open is known by its reply subject. */
export class ReplyInbox<Question> {
  readonly #inbox: string;
  readonly #open = new Map<string, Question>();
  #next = 0;

  /** @param answered for each message to a question that is open; must not throw: the library reads no further then */
  constructor(
    connection: NatsConnection,
    answered: (reply: string, question: Question, message: Msg) => void,
  ) {
    this.#inbox = inboxOf(connection);
    connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => {
        const question = error ? undefined : this.#open.get(message.subject);
        if (question !== undefined) answered(message.subject, question, message);
      },
    });
  }

  /** @returns the subject to reply to; the question stays open until `close` */
  open(question: Question): string {
    const reply = `${this.#inbox}.${(this.#next++).toString(radix)}`;
    this.#open.set(reply, question);
    return reply;
  }

  /** @returns undefined when it was closed before */
  close(reply: string): Question | undefined {
    const question = this.#open.get(reply);
    this.#open.delete(reply);
    return question;
  }

  /** The replies that are awaited. */
  get awaited(): readonly string[] {
    return [...this.#open.keys()];
  }
}
