/**
 * A member of a pool, shown by NATS micro (ADR-32): `$SRV.PING/INFO/STATS` find it under the protocol's name, one
 * endpoint a message, queue group = name. A paused member takes nothing and isn't found: it has left the group.
 */
import type { Protocol } from '@postrider/actor';
import type { Msg, NatsConnection, Service } from 'nats';
import { addressOf } from './addresses.js';
import type { Speaker } from './event-record.js';

export class PoolMembership {
  readonly #connection: NatsConnection;
  readonly #protocol: Protocol;
  readonly #speaker: Speaker;
  readonly #onMessage: (message: Msg) => void;
  #service: Service | undefined;
  /** Joining and leaving happen one after the other, whatever order they are asked in. */
  #last: Promise<void> = Promise.resolve();

  static async join(
    connection: NatsConnection,
    protocol: Protocol,
    speaker: Speaker,
    onMessage: (message: Msg) => void,
  ): Promise<PoolMembership> {
    const membership = new PoolMembership(connection, protocol, speaker, onMessage);
    await membership.#join();
    return membership;
  }

  private constructor(
    connection: NatsConnection,
    protocol: Protocol,
    speaker: Speaker,
    onMessage: (message: Msg) => void,
  ) {
    this.#connection = connection;
    this.#protocol = protocol;
    this.#speaker = speaker;
    this.#onMessage = onMessage;
  }

  pause(): void {
    void this.#then(() => this.#leave());
  }

  resume(): void {
    void this.#then(() => this.#join());
  }

  leave(): Promise<void> {
    return this.#then(() => this.#leave());
  }

  #then(act: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(act, act);
    return this.#last;
  }

  async #join(): Promise<void> {
    if (this.#service) return;
    const { name, messages } = this.#protocol;
    const service = await this.#connection.services.add({
      name,
      version: this.#speaker.version,
      description: `Postrider ${name}`,
      metadata: { instance: this.#speaker.instance },
    });
    for (const message of Object.keys(messages)) {
      service.addEndpoint(message, {
        subject: `${addressOf(this.#protocol)}.${message}`,
        queue: name,
        handler: (error, request) => {
          if (!error) this.#onMessage(request as unknown as Msg);
        },
      });
    }
    this.#service = service;
  }

  async #leave(): Promise<void> {
    const service = this.#service;
    this.#service = undefined;
    await service?.stop();
  }
}
