/**
 * The log in JetStream. Publishes and reads go over connections of their own: a batch of segments or a large content on
 * its way to a reader must not stand in front of an acknowledgement.
 */
import { connectNats, type NatsAddress } from '@postrider/nats-server';
import { times } from '@postrider/protocol';
import {
  DiscardPolicy,
  NatsError,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type MsgRequest,
  type NatsConnection,
  type StreamConfig,
} from 'nats';
import { Acknowledgements } from './acknowledgements.js';
import { DirectReads } from './direct-get.js';
import type { Leadership } from './leaders.js';
import { jetStreamRegister } from './jetstream-register.js';
import {
  StreamGone,
  type AppendOptions,
  type AppendResult,
  type Log,
  type LogMessage,
  type LogState,
  type ReadLimit,
  type Register,
} from './log.js';
import { leastRoom, streamPlans, type StreamPlan } from './names.js';

export interface JetStreamOptions {
  readonly address: NatsAddress;
  /** Names the connections in the server's list. */
  readonly name: string;
  readonly replicas: number;
  /** Room for all streams of all shards together, octets. */
  readonly maxSizeInOctets: number;
  /** Makes what is missing; false where only the operator may: then it is an error that says so. */
  readonly create?: boolean;
  /** Only a restore may have the streams of one that is under way. */
  readonly restores?: true;
}

/** The stream that stands there while a store is being restored: until it is gone no service takes up work. */
export const restoreMark = 'RESTORING';

/** Streams that only the operator may make are not there. */
export class StreamsMissing extends Error {}
/** The mail that is there is not all, and not on hold yet. */
export class RestoreUnderWay extends Error {}

/** Over the 30 s that a segment is retried, with a margin for elections. */
const duplicateWindow = 120_000;
const nanosecondsPerMillisecond = 1_000_000;

/** JetStream's error codes (nats-server: server/errors.json). */
const noMessageFound = 10037;
const streamNotFound = 10059;

/** @throws NatsError when no server answers, or one without JetStream */
export async function connectJetStreamLog(options: JetStreamOptions): Promise<Log> {
  const writing = await connectNats(options.address, `${options.name}/spool`);
  try {
    const manager = await writing.jetstreamManager({ timeout: times.publishUnknown });
    const register = await jetStreamRegister(writing, options);
    const reading = await connectNats(options.address, `${options.name}/spool-reads`);
    return new JetStreamLog({ writing, reading, manager, register }, options);
  } catch (error) {
    await writing.close();
    throw error;
  }
}

interface Connections {
  readonly writing: NatsConnection;
  readonly reading: NatsConnection;
  readonly manager: JetStreamManager;
  readonly register: Register;
}

/** A stream that is there, and the room that it should have, octets. */
interface Resize extends LogState {
  readonly name: string;
  readonly wanted: number;
}

class JetStreamLog implements Log {
  readonly register: Register;
  readonly #connections: Connections;
  readonly #options: JetStreamOptions;
  readonly #acknowledgements: Acknowledgements;
  readonly #reads: DirectReads;

  constructor(connections: Connections, options: JetStreamOptions) {
    this.register = connections.register;
    this.#connections = connections;
    this.#options = options;
    this.#acknowledgements = new Acknowledgements(connections.writing, times.publishUnknown);
    this.#reads = new DirectReads(connections.reading);
  }

  get connected(): boolean {
    return this.#acknowledgements.connected;
  }

  /** Well below the 50 ms that outcomes may be unwritten for (DESIGN §2), and a tenth of a busy shard's fsyncs. */
  readonly gatherFor = 10;
  /** With twenty clients, a connection a mail, a fifth more mails/s and a fifth less CPU for each; 2 and 4 bring less. */
  readonly gatherSegmentsFor = 1;

  get maxPayloadInOctets(): number {
    return this.#connections.writing.info?.max_payload ?? 1024 * 1024;
  }

  async prepare(shards: readonly string[]): Promise<readonly string[]> {
    const known = new Set(await this.streams());
    if (known.has(restoreMark) && this.#options.restores !== true)
      throw new RestoreUnderWay("a restore is under way, or broke off: 'postrider cluster restore' ends it");
    if (this.#options.create === false) {
      const missing = streamPlans(shards).filter(({ name }) => !known.has(name));
      if (missing.length > 0) throw new StreamsMissing(`no ${missing.map(({ name }) => name).join(', ')}`);
      return [];
    }
    const missing: (() => Promise<void>)[] = [];
    const resized: Resize[] = [];
    for (const plan of streamPlans(shards)) {
      const maxOctets = Math.floor(this.#options.maxSizeInOctets * plan.share);
      if (known.has(plan.name))
        resized.push({ ...(await this.state(plan.name)), name: plan.name, wanted: maxOctets });
      else missing.push(() => this.#addStream(plan, maxOctets));
    }
    // Those that give room back come first: the server holds all of them against its max_file_store.
    resized.sort((a, b) => a.wanted - a.maxOctets - (b.wanted - b.maxOctets));
    const told: string[] = [];
    for (const { name, wanted, octets, maxOctets } of resized) {
      const least = leastRoom(octets);
      if (wanted < least)
        told.push(`${name} has room for ${least} octets: it uses ${octets}, too much for spool.max_size`);
      const next = Math.max(wanted, least);
      if (next !== maxOctets) await this.#connections.manager.streams.update(name, { max_bytes: next });
    }
    for (const add of missing) await add();
    return told;
  }

  async streams(): Promise<readonly string[]> {
    const names: string[] = [];
    for await (const name of this.#connections.manager.streams.names()) names.push(name);
    return names;
  }

  append(subject: string, payload: Uint8Array, options: AppendOptions = {}): Promise<AppendResult> {
    return this.#acknowledgements.publish(subject, payload, options);
  }

  read(stream: string, subject: string, from: number, limit: ReadLimit): Promise<readonly LogMessage[]> {
    return this.#reads.read(stream, { seq: from, next_by_subj: subject }, limit);
  }

  at(stream: string, sequence: number): Promise<LogMessage | undefined> {
    return this.#ask(stream, { seq: sequence });
  }

  last(stream: string, subject: string): Promise<LogMessage | undefined> {
    return this.#ask(stream, { last_by_subj: subject });
  }

  async state(stream: string): Promise<LogState> {
    const { state, config } = await this.#connections.manager.streams.info(stream);
    return {
      // 0 in a stream that never had one.
      firstSequence: Math.max(state.first_seq, 1),
      lastSequence: state.last_seq,
      messages: state.messages,
      octets: state.bytes,
      maxOctets: config.max_bytes,
    };
  }

  async truncate(stream: string, before: number): Promise<void> {
    await this.#connections.manager.streams.purge(stream, { seq: before });
  }

  async purge(stream: string, subject: string): Promise<void> {
    await this.#connections.manager.streams.purge(stream, { filter: subject });
  }

  async enlarge(stream: string, byOctets: number): Promise<void> {
    const { maxOctets } = await this.state(stream);
    await this.#connections.manager.streams.update(stream, { max_bytes: maxOctets + byOctets });
  }

  async leadership(stream: string): Promise<Leadership | undefined> {
    const { cluster } = await this.#connections.manager.streams.info(stream);
    if (cluster?.leader === undefined || cluster.replicas === undefined) return undefined;
    const followers = cluster.replicas.map(({ name, current, offline }) => ({
      server: name,
      current: current && !offline,
    }));
    return { stream, leader: cluster.leader, followers };
  }

  async moveLeader(stream: string, to: string): Promise<void> {
    const request = JSON.stringify({ placement: { preferred: to } });
    const { writing } = this.#connections;
    const subject = `$JS.API.STREAM.LEADER.STEPDOWN.${stream}`;
    const answer = await writing.request(subject, request, { timeout: times.publishUnknown });
    const { error } = answer.json<{ readonly error?: { readonly description?: string } }>();
    if (error !== undefined) throw new Error(`${stream} is not led by ${to}: ${error.description ?? ''}`);
  }

  async subjects(stream: string, pattern: string): Promise<readonly string[]> {
    const { state } = await this.#connections.manager.streams.info(stream, { subjects_filter: pattern });
    return Object.keys(state.subjects ?? {});
  }

  async close(): Promise<void> {
    this.#acknowledgements.close();
    await Promise.all([this.#connections.writing.close(), this.#connections.reading.close()]);
  }

  /** By the API, which the leader answers: a replica that lags would show an older state, and the fence counts on this. */
  async #ask(stream: string, request: MsgRequest): Promise<LogMessage | undefined> {
    // A request on a broken connection is lost, and would only be missed after its time-out.
    if (!this.connected) throw new Error('NATS is away');
    try {
      const message = await this.#connections.manager.streams.getMessage(stream, request);
      return { sequence: message.seq, subject: message.subject, payload: message.data };
    } catch (error) {
      const code = error instanceof NatsError ? error.api_error?.err_code : undefined;
      if (code === noMessageFound) return undefined;
      if (code === streamNotFound) throw new StreamGone(`no stream ${stream}`);
      throw error;
    }
  }

  async #addStream({ name, subject }: StreamPlan, maxOctets: number): Promise<void> {
    const config: Partial<StreamConfig> = {
      name,
      subjects: [subject],
      storage: StorageType.File,
      retention: RetentionPolicy.Limits,
      discard: DiscardPolicy.New,
      num_replicas: this.#options.replicas,
      max_bytes: maxOctets,
      allow_direct: true,
      duplicate_window: duplicateWindow * nanosecondsPerMillisecond,
    };
    try {
      await this.#connections.manager.streams.add(config);
    } catch (error) {
      // Another process made it at the same moment.
      if (!(await this.streams()).includes(name)) throw error;
    }
  }
}
