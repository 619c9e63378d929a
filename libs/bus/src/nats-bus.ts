/** The bus over NATS: one connection a process, its hosted actors, and requests to those elsewhere. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import {
  startActor,
  type ActorOptions,
  type Behaviour,
  type Messages,
  type Origin,
  type Protocol,
  type RunningActor,
} from '@postrider/actor';
import { connectNats, type NatsAddress } from '@postrider/nats-server';
import { eventSubject, statusSubject, type ServiceName } from '@postrider/protocol';
import type { Msg, NatsConnection, Subscription } from 'nats';
import { addressOf, messageOf } from './addresses.js';
import type { Bus, Hosted, HostOptions, Ref } from './bus.js';
import { eventRecord, statusRecord, type EventOptions, type Speaker } from './event-record.js';
import { prepareEvents, storedEvents } from './event-stream.js';
import { asBusError, HostedActors } from './hosted-actors.js';
import { PoolMembership } from './pool-membership.js';
import { NatsRef } from './ref.js';
import { watch } from './watch.js';
import { decodeRequest, encodeAnswer, encodeFault } from './wire.js';

export interface BusOptions {
  readonly address: NatsAddress;
  /** Names the connection in the server's list: the services of this process. */
  readonly name: string;
  /** Version of Postrider, for `$SRV.INFO` and gauges. */
  readonly version: string;
}

/** @throws NatsError when no server answers; after that it reconnects for ever */
export async function connectBus(options: BusOptions): Promise<Bus> {
  return new NatsBus(await connectNats(options.address, options.name), options.version);
}

class NatsBus implements Bus {
  readonly instance = instanceName();
  readonly #connection: NatsConnection;
  readonly #speaker: Speaker;
  readonly #local = new HostedActors();
  readonly #hosted = new Set<Hosted>();
  readonly #connectionListeners: ((connected: boolean) => void)[] = [];
  #connected = true;
  #eventsDropped = 0;

  constructor(connection: NatsConnection, version: string) {
    this.#connection = connection;
    this.#speaker = { instance: this.instance, version };
    void this.#followConnection();
  }

  get connected(): boolean {
    return this.#connected;
  }

  get maxPayloadInOctets(): number {
    return this.#connection.info?.max_payload ?? 1024 * 1024;
  }

  onConnection(listener: (connected: boolean) => void): void {
    this.#connectionListeners.push(listener);
  }

  async host<M extends Messages>(
    protocol: Protocol<M>,
    behaviour: Behaviour<M>,
    options: HostOptions = {},
  ): Promise<Hosted> {
    const address = addressOf(protocol, options.key);
    const actor = startActor(protocol.messages, behaviour, actorOptions(options));
    this.#local.add(address, actor);
    const onMessage = (message: Msg): void => answer(actor, message);
    const membership =
      protocol.placement === 'pool'
        ? await PoolMembership.join(this.#connection, protocol, this.#speaker, onMessage)
        : new KeyedSubscription(this.#connection, address, onMessage);
    const hosted: Hosted = {
      pause: () => {
        this.#local.pause(address, true);
        membership.pause();
      },
      resume: () => {
        this.#local.pause(address, false);
        membership.resume();
      },
      stop: async () => {
        if (!this.#hosted.delete(hosted)) return;
        this.#local.remove(address);
        await membership.leave();
        await actor.stop();
      },
    };
    this.#hosted.add(hosted);
    return hosted;
  }

  ref<M extends Messages>(protocol: Protocol<M>, key?: string): Ref<M> {
    return new NatsRef<M>(protocol, addressOf(protocol, key), {
      connection: this.#connection,
      connected: () => this.#connected,
      local: this.#local,
      instance: this.instance,
    });
  }

  publishEvent(service: ServiceName, event: string, facts: object, options?: EventOptions): void {
    if (!this.#connected) {
      this.#eventsDropped++;
      return;
    }
    const record = eventRecord(this.#speaker, service, event, facts, options);
    this.#publishJson(eventSubject(service, event), record);
  }

  publishStatus(service: string, figures: object): void {
    if (!this.#connected) return;
    const record = statusRecord(this.#speaker, service, { ...figures, eventsDropped: this.#eventsDropped });
    this.#publishJson(statusSubject(service, this.instance), record);
  }

  watch(subject: string) {
    return watch(this.#connection, subject);
  }

  prepareEvents(maxSizeInOctets: number): Promise<void> {
    return prepareEvents(this.#connection, maxSizeInOctets);
  }

  storedEvents(options: { readonly since: number; readonly subject?: string }) {
    return storedEvents(this.#connection, options);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#hosted].map((hosted) => hosted.stop()));
    // A connection that is away can't be drained; nothing of ours waits in it.
    if (this.#connected) await this.#connection.drain().catch(() => undefined);
    await this.#connection.close();
  }

  #publishJson(subject: string, record: object): void {
    try {
      this.#connection.publish(subject, Buffer.from(JSON.stringify(record)));
    } catch {
      this.#eventsDropped++;
    }
  }

  async #followConnection(): Promise<void> {
    for await (const { type } of this.#connection.status()) {
      const connected = type === 'reconnect' ? true : type === 'disconnect' ? false : this.#connected;
      if (connected === this.#connected) continue;
      this.#connected = connected;
      for (const listener of this.#connectionListeners) listener(connected);
    }
  }
}

/** A keyed actor's messages: one subscription for all, no queue group. */
class KeyedSubscription {
  readonly #subscription: Subscription;

  constructor(connection: NatsConnection, address: string, onMessage: (message: Msg) => void) {
    this.#subscription = connection.subscribe(`${address}.*`, {
      callback: (error, message) => {
        if (!error) onMessage(message);
      },
    });
  }

  pause(): void {
    throw new Error('a keyed actor has no group to leave');
  }

  resume(): void {
    throw new Error('a keyed actor has no group to join');
  }

  leave(): Promise<void> {
    this.#subscription.unsubscribe();
    return Promise.resolve();
  }
}

/** Handles one message off the wire; a request gets an answer or the fault. */
function answer(actor: RunningActor, message: Msg): void {
  const reply = (octets: Uint8Array): void => void (message.reply === undefined || message.respond(octets));
  let request: { readonly payload: unknown; readonly from: Origin };
  try {
    request = decodeRequest(message.data);
  } catch (fault) {
    reply(encodeFault(asBusError(fault)));
    return;
  }
  try {
    const value = actor.deliver(messageOf(message.subject), request.payload, request.from);
    if (value instanceof Promise) {
      value.then(
        (later: unknown) => reply(encodeAnswer(later)),
        (fault: unknown) => reply(encodeFault(asBusError(fault))),
      );
    } else reply(encodeAnswer(value));
  } catch (fault) {
    reply(encodeFault(asBusError(fault)));
  }
}

function actorOptions({ mailbox, supervision, escalate }: HostOptions): ActorOptions {
  return {
    ...(mailbox === undefined ? {} : { mailbox }),
    ...(supervision === undefined ? {} : { supervision }),
    ...(escalate === undefined ? {} : { escalate }),
  };
}

/** `<host>-<pid>-<random>`: a NATS token, unique among running processes. */
export function instanceName(): string {
  const host = hostname().split('.')[0]?.replaceAll(/[^A-Za-z0-9-]/g, '-') ?? 'host';
  return `${host === '' ? 'host' : host}-${process.pid}-${randomBytes(2).toString('hex')}`;
}
