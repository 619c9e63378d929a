/**
 * The log in JetStream. Publishes and reads go over connections of their own: a batch of segments must not stand in
 * front of an acknowledgement.
 */
import { connectNats, type NatsAddress } from '@postrider/nats-server';
import { times } from '@postrider/protocol';
import {
  DiscardPolicy,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type NatsConnection,
  type StreamConfig,
  type StreamInfo,
} from 'nats';
import { Acknowledgements } from './acknowledgements.js';
import { readBatch } from './direct-get.js';
import { jetStreamRegister } from './jetstream-register.js';
import type { AppendOptions, AppendResult, Log, LogMessage, LogState, ReadLimit, Register } from './log.js';
import { shares, streamsOf, subjects, type ShardStreams } from './names.js';

export interface JetStreamOptions {
  readonly address: NatsAddress;
  /** Names the connections in the server's list. */
  readonly name: string;
  readonly replicas: number;
  /** Room for all streams together, octets. */
  readonly maxSizeInOctets: number;
}

/** Over the 30 s that a segment is retried, with a margin for elections. */
const duplicateWindow = 120_000;
const nanosecondsPerMillisecond = 1_000_000;

export async function connectJetStreamLog(options: JetStreamOptions): Promise<Log> {
  const [writing, reading] = await Promise.all([
    connectNats(options.address, `${options.name}/spool`),
    connectNats(options.address, `${options.name}/spool-reads`),
  ]);
  const manager = await writing.jetstreamManager({ timeout: times.publishUnknown });
  const register = await jetStreamRegister(writing, options.replicas);
  return new JetStreamLog({ writing, reading, manager, register }, options);
}

interface Connections {
  readonly writing: NatsConnection;
  readonly reading: NatsConnection;
  readonly manager: JetStreamManager;
  readonly register: Register;
}

class JetStreamLog implements Log {
  readonly register: Register;
  readonly #connections: Connections;
  readonly #options: JetStreamOptions;
  readonly #acknowledgements: Acknowledgements;

  constructor(connections: Connections, options: JetStreamOptions) {
    this.register = connections.register;
    this.#connections = connections;
    this.#options = options;
    this.#acknowledgements = new Acknowledgements(connections.writing, times.publishUnknown);
  }

  get connected(): boolean {
    return this.#acknowledgements.connected;
  }

  get maxPayloadInOctets(): number {
    return this.#connections.writing.info?.max_payload ?? 1024 * 1024;
  }

  async prepare(shards: readonly string[]): Promise<void> {
    const known = new Set(await this.streams());
    for (const shard of shards) {
      const names = streamsOf(shard);
      const patterns: Record<keyof ShardStreams, string> = {
        spool: subjects.spool(shard),
        defer: subjects.state(shard),
        deferContent: subjects.deferContent(shard),
        content: subjects.content(shard),
      };
      for (const key of Object.keys(patterns) as (keyof ShardStreams)[]) {
        if (known.has(names[key])) continue;
        const maxOctets = Math.floor((this.#options.maxSizeInOctets * shares[key]) / shards.length);
        await this.#addStream(names[key], patterns[key], maxOctets);
      }
    }
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
    return readBatch(this.#connections.reading, stream, { seq: from, next_by_subj: subject }, limit);
  }

  async last(stream: string, subject: string): Promise<LogMessage | undefined> {
    // From the leader: a replica that lags would show an older one, and the fence counts on this.
    try {
      const message = await this.#connections.manager.streams.getMessage(stream, { last_by_subj: subject });
      return { sequence: message.seq, payload: message.data };
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async state(stream: string): Promise<LogState> {
    const { state, config } = await this.#connections.manager.streams.info(stream);
    return {
      firstSequence: state.first_seq,
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

  async subjects(stream: string, pattern: string): Promise<readonly string[]> {
    const { state }: StreamInfo = await this.#connections.manager.streams.info(stream, { subjects_filter: pattern });
    return Object.keys(state.subjects ?? {});
  }

  async close(): Promise<void> {
    this.#acknowledgements.close();
    await Promise.all([this.#connections.writing.close(), this.#connections.reading.close()]);
  }

  async #addStream(name: string, pattern: string, maxOctets: number): Promise<void> {
    const config: Partial<StreamConfig> = {
      name,
      subjects: [pattern],
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

/** JetStream's API error 404 with code 10037, or no message at all. */
function isNotFound(error: unknown): boolean {
  return error instanceof Error && /no message found|404/i.test(error.message);
}
