/** The bus over NATS: one connection a process, its hosted actors, and requests to those elsewhere. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import {
  startActor,
  systemClock,
  type ActorOptions,
  type Behaviour,
  type Clock,
  type Messages,
  type Protocol,
} from '@postrider/actor';
import { connectNats, type NatsAddress } from '@postrider/nats-server';
import { eventSubject, statusSubject, type ServiceName, type StatusRecord } from '@postrider/protocol';
import { Events, type NatsConnection } from 'nats';
import { addressOf } from './addresses.js';
import type { Bus, Hosted, HostOptions, Ref } from './bus.js';
import { Deadlines } from './deadlines.js';
import { answerDiscovery } from './discovery.js';
import { PayloadTooLarge } from './errors.js';
import { EventOutbox } from './event-outbox.js';
import { eventRecord, statusRecord, type EventOptions, type Speaker } from './event-record.js';
import { prepareEvents, storedEvents } from './event-stream.js';
import { HostedActors } from './hosted-actors.js';
import { Hosting } from './hosting.js';
import { Outbox } from './outbox.js';
import { NatsRef, type Sender } from './ref.js';
import { Requests } from './requests.js';
import { watch, type Watch } from './watch.js';

export interface BusOptions {
  readonly address: NatsAddress;
  /** Names the connection in the server's list: the services of this process. */
  readonly name: string;
  /** Version of Postrider, for `$SRV.INFO` and gauges. */
  readonly version: string;
  readonly clock?: Clock;
  /** Faults of handlers, and what NATS complains of. */
  readonly log?: BusLog;
}

export interface BusLog {
  warn(facts: object, text: string): void;
  error(facts: object, text: string): void;
}

const silent: BusLog = { warn: () => undefined, error: () => undefined };

/** nats-server's own default, until a server has said what it takes. */
const maxPayloadDefault = 1024 * 1024;

/** @throws NatsError when no server answers; after that it reconnects for ever */
export async function connectBus(options: BusOptions): Promise<Bus> {
  return new NatsBus(await connectNats(options.address, options.name), options);
}

class NatsBus implements Bus {
  readonly instance = instanceName();
  readonly #connection: NatsConnection;
  readonly #speaker: Speaker;
  readonly #clock: Clock;
  readonly #log: BusLog;
  readonly #local = new HostedActors();
  readonly #hosted = new Set<Hosting>();
  readonly #outbox: Outbox;
  readonly #events: EventOutbox;
  readonly #sender: Sender;
  readonly #connectionListeners: ((connected: boolean) => void)[] = [];
  #connected = true;
  #discoverable = false;
  #eventsDropped = 0;
  #maxPayload: number;

  constructor(connection: NatsConnection, { version, clock = systemClock, log = silent }: BusOptions) {
    this.#connection = connection;
    this.#clock = clock;
    this.#log = log;
    this.#maxPayload = connection.info?.max_payload ?? maxPayloadDefault;
    this.#speaker = { instance: this.instance, version };
    const refused = (subject: string, fault: unknown): void =>
      this.#log.warn({ subject, fault }, 'not published');
    this.#outbox = new Outbox(connection, refused);
    this.#events = new EventOutbox({ connection, connected: () => this.#connected, refused });
    const deadlines = new Deadlines(clock);
    this.#sender = {
      instance: this.instance,
      local: this.#local,
      deadlines,
      requests: new Requests(connection, this.#outbox, deadlines),
      outbox: this.#outbox,
      connected: () => this.#connected,
      maxPayloadInOctets: () => this.#maxPayload,
    };
    void this.#followConnection();
    void this.#followEnd();
  }

  get connected(): boolean {
    return this.#connected;
  }

  get maxPayloadInOctets(): number {
    return this.#maxPayload;
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
    const hosted = this.#local.add(address, protocol, options.key);
    const hosting = new Hosting({
      ...this.#sender,
      connection: this.#connection,
      hosted,
      address,
      onLeft: () => void this.#hosted.delete(hosting),
    });
    this.#hosted.add(hosting);
    try {
      hosted.actor = startActor(protocol.messages, behaviour, {
        ...this.#actorOptions(address, options),
        onEnded: () => void hosting.leave(),
      });
    } catch (fault) {
      void hosting.leave();
      throw fault;
    }
    this.#becomeDiscoverable();
    // Whoever asks from now on finds it, from whatever process.
    if (this.#connected) await this.#connection.flush().catch(() => undefined);
    return hosting;
  }

  ref<M extends Messages>(protocol: Protocol<M>, key?: string): Ref<M> {
    return new NatsRef<M>(protocol, addressOf(protocol, key), this.#sender);
  }

  publishEvent(service: ServiceName, event: string, facts: object, options?: EventOptions): void {
    const fact = { service, event, facts, now: this.#clock.now() };
    const record = eventRecord(this.#speaker, fact, options);
    this.#publishJson(eventSubject(service, event), record, this.#events);
  }

  status(service: string, figures: object): StatusRecord {
    const eventsDropped = this.#eventsDropped + this.#events.dropped;
    const own = { eventsDropped, mailboxWaiting: this.#local.waiting() };
    return statusRecord(this.#speaker, service, { ...figures, ...own });
  }

  publishStatus(service: string, figures: object): void {
    if (!this.#connected) return;
    // Not kept like an event: what it says is of this second.
    this.#publishJson(statusSubject(service, this.instance), this.status(service, figures), this.#outbox);
  }

  watch(subject: string): Watch {
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
    // Nobody need hear of this end of the connection.
    this.#connectionListeners.length = 0;
    this.#outbox.flush();
    this.#events.flush();
    // A connection that is away can't be drained, and what waits in it nobody will get.
    if (this.#connected) await this.#connection.drain().catch(() => undefined);
    await this.#connection.close();
  }

  #actorOptions(actor: string, { mailbox, supervision, escalate }: HostOptions): ActorOptions {
    return {
      clock: this.#clock,
      ...(mailbox === undefined ? {} : { mailbox }),
      ...(supervision === undefined ? {} : { supervision }),
      ...(escalate === undefined ? {} : { escalate }),
      onFault: (fault, message) => this.#log.error({ actor, message, fault }, 'a handler threw'),
    };
  }

  #becomeDiscoverable(): void {
    if (this.#discoverable) return;
    this.#discoverable = true;
    answerDiscovery(this.#connection, this.#local, this.#speaker);
  }

  #publishJson(subject: string, record: object, outbox: Pick<Outbox, 'publish'>): void {
    try {
      const octets = Buffer.from(JSON.stringify(record));
      if (octets.length > this.#maxPayload) throw new PayloadTooLarge(`${octets.length} octets`);
      outbox.publish(subject, octets);
    } catch (fault) {
      this.#eventsDropped++;
      this.#log.warn({ subject, fault }, 'not published');
    }
  }

  async #followConnection(): Promise<void> {
    for await (const { type, data } of this.#connection.status()) {
      if (type === Events.Disconnect) this.#setConnected(false);
      else if (type === Events.Reconnect) {
        this.#maxPayload = this.#connection.info?.max_payload ?? this.#maxPayload;
        this.#setConnected(true);
      } else if (type === Events.Error) this.#log.warn({ error: data }, 'NATS complains');
    }
  }

  async #followEnd(): Promise<void> {
    const error = await this.#connection.closed();
    this.#setConnected(false);
    this.#sender.requests.close();
    if (error) this.#log.error({ error }, 'the connection to NATS is closed for good');
  }

  #setConnected(connected: boolean): void {
    if (connected === this.#connected) return;
    this.#connected = connected;
    if (connected) this.#events.reconnected();
    for (const listener of this.#connectionListeners) listener(connected);
  }
}

/** `<host>-<pid>-<random>`: a NATS token, unique among running processes. */
export function instanceName(): string {
  const host =
    hostname()
      .split('.')[0]
      ?.replaceAll(/[^A-Za-z0-9-]/g, '-') ?? '';
  return `${host === '' ? 'host' : host}-${process.pid}-${randomBytes(2).toString('hex')}`;
}
