/**
 * Actors over NATS: one connection a process. Subjects derive from the protocol:
 * pool `mta.v1.<name>.<message>` (queue group = name), keyed `mta.v1.<name>.<key>.<message>` (no queue group).
 * An actor hosted in this process is called without a detour over NATS.
 */
import type {
  Behaviour,
  Messages,
  NoticeNames,
  PayloadOf,
  AnswerOf,
  Protocol,
  RequestNames,
  Supervision,
} from '@postrider/actor';
import type { EventFacts, EventName, EventRecord, ServiceName, StatusRecord } from '@postrider/protocol';

export interface Bus {
  /** `<host>-<pid>-<random>`, unique among running processes; a NATS token. */
  readonly instance: string;
  /** Usable right now; false between disconnect and reconnect. */
  readonly connected: boolean;
  /** Called at each change of `connected`, except by `close`. */
  onConnection(listener: (connected: boolean) => void): void;
  /** Largest payload the server takes, octets. */
  readonly maxPayloadInOctets: number;

  /**
   * Starts an actor and takes its messages. A pool protocol has no key. Also shown by `$SRV.*` (NATS micro) as
   * `postrider-<name>`. One that ends by itself is hosted no more.
   * @throws when that address is hosted in this process already, and what the behaviour throws at its start
   */
  host<M extends Messages>(
    protocol: Protocol<M>,
    behaviour: Behaviour<M>,
    options?: HostOptions,
  ): Promise<Hosted>;
  /** A reference to whoever hosts it, here or elsewhere; nothing is sent until it is used. */
  ref<M extends Messages>(protocol: Protocol<M>, key?: string): Ref<M>;

  /** Publishes a fact; fire and forget, never throws. Events while disconnected are counted and dropped. */
  publishEvent<S extends ServiceName, E extends EventName<S>>(
    service: S,
    event: E,
    facts: EventFacts[S][E] & object,
    options?: { readonly id?: string; readonly at?: number },
  ): void;
  /** What publishStatus would publish now; also while disconnected. The one source of gauges and metrics. */
  status(service: string, figures: Readonly<Record<string, unknown>>): StatusRecord;
  /** Publishes a gauge record once: the runtime calls it every second for each service. */
  publishStatus(service: string, figures: Readonly<Record<string, unknown>>): void;
  /** Raw subscription for those who watch: `mta.events.>` and the like; JSON payloads decoded. */
  watch(
    subject: string,
  ): AsyncIterable<{ readonly subject: string; readonly value: unknown }> & { stop(): void };

  /** Makes the bounded stream EVENTS (subjects `mta.events.>`) if it is not there. */
  prepareEvents(maxSizeInOctets: number): Promise<void>;
  /** Stored events since a time (milliseconds since the epoch), in order, up to now; none without the stream. */
  storedEvents(options: { readonly since: number; readonly subject?: string }): AsyncIterable<EventRecord>;

  /** Stops all hosted actors, flushes, closes. */
  close(): Promise<void>;
}

export interface HostOptions {
  readonly key?: string;
  /** Messages that may wait, and concurrent ones under way, default 1024; one more is refused with MailboxFull. */
  readonly mailbox?: number;
  readonly supervision?: Supervision;
  /** Called when supervision escalates: the process should end. Default: the error is thrown in the process. */
  readonly escalate?: (fault: unknown) => void;
}

export interface Hosted {
  /** Leaves the queue group: a pool member that is full or draining. Messages on their way here are handled. */
  pause(): void;
  resume(): void;
  /** Leaves, handles what is in the mailbox, ends the actor. */
  stop(): Promise<void>;
}

export interface Ref<M extends Messages> {
  /**
   * Asks and waits for the answer.
   * @throws DeadlineExceeded (it may have been handled), NobodyAnswers (nobody hosts it: it was not),
   *   MailboxFull (it was not), RemoteFault (its handler threw), BusAway (not connected: it was not),
   *   PayloadTooLarge (over maxPayloadInOctets: it was not, and never will be)
   */
  ask<K extends RequestNames<M>>(
    message: K,
    payload: PayloadOf<M[K]>,
    options?: { readonly deadline?: number; readonly trace?: string },
  ): Promise<AnswerOf<M[K]>>;
  /** Sends a notice; it may be lost. @throws PayloadTooLarge */
  tell<K extends NoticeNames<M>>(message: K, payload: PayloadOf<M[K]>): void;
}
