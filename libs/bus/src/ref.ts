/** A reference to an actor, here or elsewhere. */
import type {
  AnswerOf,
  Messages,
  NoticeNames,
  Origin,
  PayloadOf,
  Protocol,
  RequestNames,
} from '@postrider/actor';
import { askHere, tellHere } from './ask-here.js';
import type { Ref } from './bus.js';
import type { Deadlines } from './deadlines.js';
import { BusAway, PayloadTooLarge } from './errors.js';
import type { HostedActors } from './hosted-actors.js';
import type { Outbox } from './outbox.js';
import type { Requests } from './requests.js';
import { encodeRequest } from './wire.js';

export interface Sender {
  readonly instance: string;
  readonly local: HostedActors;
  readonly deadlines: Deadlines;
  readonly requests: Requests;
  readonly outbox: Outbox;
  readonly connected: () => boolean;
  readonly maxPayloadInOctets: () => number;
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
    const deadline = options.deadline ?? deadlineOf(this.#protocol, message);
    const from = originOf(this.#sender.instance, options.trace);
    const hosted = this.#sender.local.get(this.#address);
    const answer = hosted
      ? askHere(hosted, { message, payload, from }, deadline, this.#sender.deadlines)
      : this.#askElsewhere(message, payload, from, deadline);
    return answer as Promise<AnswerOf<M[K]>>;
  }

  tell<K extends NoticeNames<M>>(message: K, payload: PayloadOf<M[K]>): void {
    const from = originOf(this.#sender.instance);
    const hosted = this.#sender.local.get(this.#address);
    if (hosted) tellHere(hosted, { message, payload, from });
    else if (this.#sender.connected())
      this.#sender.outbox.publish(`${this.#address}.${message}`, this.#encode(message, payload, from));
  }

  // async: what is wrong with the message is the promise's to say.
  async #askElsewhere(message: string, payload: unknown, from: Origin, deadline: number): Promise<unknown> {
    const subject = `${this.#address}.${message}`;
    if (!this.#sender.connected()) throw new BusAway(`NATS is away: ${subject} was not sent`);
    return this.#sender.requests.send(subject, this.#encode(message, payload, from), deadline);
  }

  /** @throws PayloadTooLarge */
  #encode(message: string, payload: unknown, from: Origin): Uint8Array {
    const octets = encodeRequest(payload, from);
    const limit = this.#sender.maxPayloadInOctets();
    if (octets.length <= limit) return octets;
    throw new PayloadTooLarge(
      `${this.#address}.${message} has ${octets.length} octets, over the server's max_payload of ${limit}`,
    );
  }
}

const originOf = (instance: string, trace?: string): Origin =>
  trace === undefined ? { instance } : { instance, trace };

/** @throws when the protocol has no such request */
export function deadlineOf(protocol: Protocol, message: string): number {
  const definition = protocol.messages[message];
  if (definition?.kind !== 'request') throw new Error(`${protocol.name} answers no '${message}'`);
  return definition.deadline;
}
