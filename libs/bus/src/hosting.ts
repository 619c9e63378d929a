/** One hosted actor's side towards NATS: takes part in its subject, steps aside, leaves. */
import type { Delivery } from '@postrider/actor';
import type { Msg, NatsConnection, Subscription } from 'nats';
import { messageOf } from './addresses.js';
import type { Hosted } from './bus.js';
import { RemoteFault } from './errors.js';
import type { HostedActor, HostedActors } from './hosted-actors.js';
import type { Outbox } from './outbox.js';
import { decodeRequest, encodeAnswer, encodeFault } from './wire.js';

export interface HostingOptions {
  readonly connection: NatsConnection;
  readonly outbox: Outbox;
  readonly connected: () => boolean;
  readonly maxPayloadInOctets: () => number;
  readonly local: HostedActors;
  readonly hosted: HostedActor;
  readonly address: string;
  readonly onLeft: () => void;
}

export class Hosting implements Hosted {
  readonly #options: HostingOptions;
  #subscription: Subscription | undefined;
  /** What was sent before the server knew that we step aside still arrives until this resolves. */
  #drained: Promise<void> = Promise.resolve();
  #left = false;

  constructor(options: HostingOptions) {
    this.#options = options;
    this.#subscribe();
  }

  pause(): void {
    this.#options.hosted.paused = true;
    void this.#unsubscribe();
  }

  resume(): void {
    if (this.#left) return;
    this.#options.hosted.paused = false;
    this.#subscribe();
  }

  async stop(): Promise<void> {
    await this.leave();
    await this.#options.hosted.actor?.stop();
  }

  /** No more messages; also when the actor has ended by itself. */
  async leave(): Promise<void> {
    const { local, address, hosted, onLeft } = this.#options;
    if (!this.#left) {
      this.#left = true;
      local.remove(address, hosted);
      onLeft();
    }
    await this.#unsubscribe();
  }

  #subscribe(): void {
    if (this.#subscription) return;
    const { connection, address, hosted } = this.#options;
    const { name, placement } = hosted.of.protocol;
    this.#subscription = connection.subscribe(`${address}.*`, {
      ...(placement === 'pool' ? { queue: name } : {}),
      callback: (error, message) => {
        if (!error) this.#receive(message);
      },
    });
  }

  #unsubscribe(): Promise<void> {
    const subscription = this.#subscription;
    this.#subscription = undefined;
    if (subscription && !subscription.isClosed()) {
      // Without a connection there is nothing to wait for.
      if (this.#options.connected()) this.#drained = subscription.drain().catch(() => undefined);
      else subscription.unsubscribe();
    }
    return this.#drained;
  }

  /** Must not throw: the client library reads no further after that. */
  #receive(message: Msg): void {
    const reply = (octets: () => Uint8Array): void => {
      if (message.reply) this.#options.outbox.publish(message.reply, octets());
    };
    let request: Pick<Delivery, 'payload' | 'from'>;
    try {
      request = decodeRequest(message.data);
    } catch (fault) {
      reply(() => encodeFault(new RemoteFault(String(fault))));
      return;
    }
    this.#options.hosted.take({
      message: messageOf(message.subject),
      ...request,
      done: (fault, answer) =>
        reply(() => (fault ? encodeFault(fault) : encodeAnswer(answer, this.#options.maxPayloadInOctets()))),
    });
  }
}
