/** A reference to an actor, here or elsewhere. */
import type { AnswerOf, Messages, NoticeNames, Origin, PayloadOf, Protocol, RequestNames } from '@postrider/actor';
import { ErrorCode, NatsError, type NatsConnection } from 'nats';
import type { Ref } from './bus.js';
import { BusAway, DeadlineExceeded, NobodyAnswers } from './errors.js';
import { deliverHere, type HostedActors } from './hosted-actors.js';
import { decodeReply, encodeRequest } from './wire.js';

export interface Sender {
  readonly connection: NatsConnection;
  readonly connected: () => boolean;
  readonly local: HostedActors;
  readonly instance: string;
}

export class NatsRef<M extends Messages> implements Ref<M> {
  readonly #protocol: Protocol<M>;
  readonly #address: string;
  readonly #sender: Sender;

  constructor(protocol: Protocol<M>, address: string, sender: Sender) {
    this.#protocol = protocol;
    this.#address = address;
    this.#sender = sender;
  }

  ask<K extends RequestNames<M>>(
    message: K,
    payload: PayloadOf<M[K]>,
    options: { readonly deadline?: number; readonly trace?: string } = {},
  ): Promise<AnswerOf<M[K]>> {
    const actor = this.#sender.local.get(this.#address);
    const deadline = options.deadline ?? deadlineOf(this.#protocol, message);
    const from = this.#origin(options.trace);
    const answer = actor
      ? withDeadline(deliverHere(actor, message, payload, from), deadline, `${this.#address}.${message}`)
      : this.#askElsewhere(message, payload, from, deadline);
    return answer as Promise<AnswerOf<M[K]>>;
  }

  tell<K extends NoticeNames<M>>(message: K, payload: PayloadOf<M[K]>): void {
    const actor = this.#sender.local.get(this.#address);
    const from = this.#origin();
    // A notice may be lost: whoever sends it has no use for its errors.
    if (actor) void deliverHere(actor, message, payload, from).catch(() => undefined);
    else if (this.#sender.connected())
      this.#sender.connection.publish(`${this.#address}.${message}`, encodeRequest(payload, from));
  }

  async #askElsewhere(message: string, payload: unknown, from: Origin, deadline: number): Promise<unknown> {
    const subject = `${this.#address}.${message}`;
    if (!this.#sender.connected()) throw new BusAway(`NATS is away: ${subject} was not sent`);
    const octets = encodeRequest(payload, from);
    const limit = this.#sender.connection.info?.max_payload ?? 0;
    if (limit > 0 && octets.length > limit) throw new Error(`${subject} has ${octets.length} octets, over max_payload ${limit}`);
    try {
      const reply = await this.#sender.connection.request(subject, octets, { timeout: deadline });
      return decodeReply(reply.data);
    } catch (error) {
      throw translated(error, subject, deadline);
    }
  }

  #origin(trace?: string): Origin {
    return trace === undefined ? { instance: this.#sender.instance } : { instance: this.#sender.instance, trace };
  }
}

function deadlineOf(protocol: Protocol, message: string): number {
  const definition = protocol.messages[message];
  if (definition?.kind !== 'request') throw new Error(`${protocol.name} answers no '${message}'`);
  return definition.deadline;
}

function translated(error: unknown, subject: string, deadline: number): unknown {
  if (!(error instanceof NatsError)) return error;
  if (error.code === String(ErrorCode.NoResponders)) return new NobodyAnswers(`nobody answers ${subject}`);
  if (error.code === String(ErrorCode.Timeout)) return new DeadlineExceeded(`${subject}: no answer within ${deadline} ms`);
  return new BusAway(`${subject}: ${error.message}`);
}

async function withDeadline(answer: Promise<unknown>, deadline: number, what: string): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DeadlineExceeded(`${what}: no answer within ${deadline} ms`)), deadline);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
