/** The bus within one process, with the same rules: for tests of services without NATS. */
import {
  startActor,
  systemClock,
  type Behaviour,
  type Clock,
  type Messages,
  type Protocol,
} from '@postrider/actor';
import {
  eventSubject,
  statusSubject,
  type EventRecord,
  type ServiceName,
  type StatusRecord,
} from '@postrider/protocol';
import { addressOf, isWithin } from './addresses.js';
import { askHere, tellHere } from './ask-here.js';
import type { Bus, Hosted, HostOptions, Ref } from './bus.js';
import { Deadlines } from './deadlines.js';
import { NobodyAnswers } from './errors.js';
import { eventRecord, statusRecord, type EventOptions } from './event-record.js';
import { HostedActors } from './hosted-actors.js';
import { deadlineOf } from './ref.js';
import { ValueQueue } from './value-queue.js';
import type { Watch, Watched } from './watch.js';

export interface MemoryBus extends Bus {
  /** All events so far, in order. */
  readonly events: readonly EventRecord[];
  /** The last gauge of each service. */
  readonly gauges: ReadonlyMap<string, StatusRecord>;
}

/** @param clock for deadlines, events' times and the actors hosted here */
export const memoryBus = (instance = 'memory-1', clock: Clock = systemClock): MemoryBus =>
  new InProcessBus(instance, clock);

const maxPayloadInOctets = 1024 * 1024;

class InProcessBus implements MemoryBus {
  readonly instance: string;
  readonly connected = true;
  readonly maxPayloadInOctets = maxPayloadInOctets;
  readonly events: EventRecord[] = [];
  readonly gauges = new Map<string, StatusRecord>();
  readonly #clock: Clock;
  readonly #local = new HostedActors();
  readonly #hosted = new Set<Hosted>();
  readonly #deadlines: Deadlines;
  readonly #watches = new Map<ValueQueue<Watched>, string>();

  constructor(instance: string, clock: Clock) {
    this.instance = instance;
    this.#clock = clock;
    this.#deadlines = new Deadlines(clock);
  }

  onConnection(): void {
    // It never is away.
  }

  // async: a behaviour that throws at its start is the promise's to say.
  // eslint-disable-next-line @typescript-eslint/require-await
  async host<M extends Messages>(
    protocol: Protocol<M>,
    behaviour: Behaviour<M>,
    { key, ...options }: HostOptions = {},
  ): Promise<Hosted> {
    const address = addressOf(protocol, key);
    const member = this.#local.add(address, protocol, key);
    const leave = (): void => {
      this.#local.remove(address, member);
      this.#hosted.delete(hosted);
    };
    const hosted: Hosted = {
      pause: () => void (member.paused = true),
      resume: () => void (member.paused = false),
      stop: async () => {
        leave();
        await member.actor?.stop();
      },
    };
    this.#hosted.add(hosted);
    try {
      member.actor = startActor(protocol.messages, behaviour, {
        clock: this.#clock,
        ...options,
        onEnded: leave,
      });
    } catch (fault) {
      leave();
      throw fault;
    }
    return hosted;
  }

  ref<M extends Messages>(protocol: Protocol<M>, key?: string): Ref<M> {
    const address = addressOf(protocol, key);
    const from = { instance: this.instance };
    return {
      ask: (message, payload, { deadline = deadlineOf(protocol, message), trace } = {}) => {
        const member = this.#local.get(address);
        if (!member) return Promise.reject(new NobodyAnswers(`nobody answers ${address}.${message}`));
        const delivery = { message, payload, from: trace === undefined ? from : { ...from, trace } };
        return askHere(member, delivery, deadline, this.#deadlines) as Promise<never>;
      },
      tell: (message, payload) => {
        const member = this.#local.get(address);
        if (member) tellHere(member, { message, payload, from });
      },
    };
  }

  publishEvent(service: ServiceName, event: string, facts: object, options?: EventOptions): void {
    const speaker = { instance: this.instance, version: '0.0.0' };
    const record = eventRecord(speaker, { service, event, facts, now: this.#clock.now() }, options);
    this.events.push(record);
    this.#show(eventSubject(service, event), record);
  }

  status(service: string, figures: object): StatusRecord {
    const speaker = { instance: this.instance, version: '0.0.0' };
    return statusRecord(speaker, service, { ...figures, mailboxWaiting: this.#local.waiting() });
  }

  publishStatus(service: string, figures: object): void {
    const record = this.status(service, figures);
    this.gauges.set(service, record);
    this.#show(statusSubject(service, this.instance), record);
  }

  watch(subject: string): Watch {
    const queue = new ValueQueue<Watched>();
    this.#watches.set(queue, subject);
    const stop = (): void => {
      this.#watches.delete(queue);
      queue.close();
    };
    return { stop, [Symbol.asyncIterator]: () => queue[Symbol.asyncIterator]() };
  }

  prepareEvents(): Promise<void> {
    return Promise.resolve();
  }

  async *storedEvents({
    since,
    subject = 'mta.events.>',
  }: {
    readonly since: number;
    readonly subject?: string;
  }) {
    await Promise.resolve();
    yield* this.events.filter(
      ({ at, service, event }) => Date.parse(at) >= since && isWithin(eventSubject(service, event), subject),
    );
  }

  async close(): Promise<void> {
    await Promise.all([...this.#hosted].map((hosted) => hosted.stop()));
    for (const queue of this.#watches.keys()) queue.close();
  }

  #show(subject: string, value: unknown): void {
    for (const [queue, pattern] of this.#watches)
      if (isWithin(subject, pattern)) queue.push({ subject, value });
  }
}
