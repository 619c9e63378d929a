/** The log in memory, with JetStream's rules: for tests, and for measuring what is above it. */
import type { AppendOptions, AppendResult, Log, LogMessage, LogState, ReadLimit, Register, RegisterEntry } from './log.js';
import { shares, streamsOf, subjects, type ShardStreams } from './names.js';

interface StoredMessage extends LogMessage {
  readonly subject: string;
}

interface Stream {
  readonly name: string;
  readonly pattern: string;
  messages: StoredMessage[];
  lastSequence: number;
  octets: number;
  readonly maxOctets: number;
  readonly ids: Map<string, number>;
}

/** Survives its users: two spools over one store are two processes over one NATS. */
export class MemoryStore {
  readonly streams = new Map<string, Stream>();
  readonly register = new Map<string, RegisterEntry>();
  revision = 0;
}

/** What JetStream adds to each message on disk, about. */
const messageOverhead = 64;

export class MemoryLog implements Log {
  readonly connected: boolean = true;
  readonly maxPayloadInOctets = 1024 * 1024;
  readonly register: Register;
  readonly #store: MemoryStore;
  readonly #maxSizeInOctets: number;

  constructor(store: MemoryStore, maxSizeInOctets: number) {
    this.#store = store;
    this.#maxSizeInOctets = maxSizeInOctets;
    this.register = memoryRegister(store);
  }

  prepare(shards: readonly string[]): Promise<void> {
    for (const shard of shards) {
      const names = streamsOf(shard);
      const patterns: Record<keyof ShardStreams, string> = {
        spool: subjects.spool(shard),
        defer: subjects.state(shard),
        deferContent: subjects.deferContent(shard),
        content: subjects.content(shard),
      };
      for (const key of Object.keys(patterns) as (keyof ShardStreams)[]) {
        if (this.#store.streams.has(names[key])) continue;
        this.#store.streams.set(names[key], {
          name: names[key],
          pattern: patterns[key],
          messages: [],
          lastSequence: 0,
          octets: 0,
          maxOctets: Math.floor((this.#maxSizeInOctets * shares[key]) / shards.length),
          ids: new Map(),
        });
      }
    }
    return Promise.resolve();
  }

  streams(): Promise<readonly string[]> {
    return Promise.resolve([...this.#store.streams.keys()]);
  }

  append(subject: string, payload: Uint8Array, options: AppendOptions = {}): Promise<AppendResult> {
    const stream = [...this.#store.streams.values()].find(({ pattern }) => matches(pattern, subject));
    if (!stream) return Promise.resolve({ result: 'refused', reason: 'other', text: `no stream takes ${subject}` });
    const known = options.messageId === undefined ? undefined : stream.ids.get(options.messageId);
    if (known !== undefined) return Promise.resolve({ result: 'acknowledged', sequence: known, duplicate: true });
    const last = stream.messages.findLast((message) => message.subject === subject)?.sequence ?? 0;
    if (options.expectedLast !== undefined && options.expectedLast !== last)
      return Promise.resolve({ result: 'refused', reason: 'stale', text: `the last is ${last}` });
    if (stream.octets + payload.length + messageOverhead > stream.maxOctets)
      return Promise.resolve({ result: 'refused', reason: 'full', text: 'maximum bytes exceeded' });
    const sequence = ++stream.lastSequence;
    // A copy: the caller's buffer may live on, as over a network.
    stream.messages.push({ sequence, subject, payload: Buffer.from(payload) });
    stream.octets += payload.length + messageOverhead;
    if (options.messageId !== undefined) stream.ids.set(options.messageId, sequence);
    return Promise.resolve({ result: 'acknowledged', sequence, duplicate: false });
  }

  read(name: string, subject: string, from: number, limit: ReadLimit): Promise<readonly LogMessage[]> {
    const found: LogMessage[] = [];
    let octets = 0;
    for (const message of this.#stream(name).messages) {
      if (message.sequence < from || !matches(subject, message.subject)) continue;
      if (found.length >= limit.messages || (found.length > 0 && octets + message.payload.length > limit.octets)) break;
      octets += message.payload.length;
      found.push({ sequence: message.sequence, payload: message.payload });
    }
    return Promise.resolve(found);
  }

  last(name: string, subject: string): Promise<LogMessage | undefined> {
    return Promise.resolve(this.#stream(name).messages.findLast((message) => message.subject === subject));
  }

  state(name: string): Promise<LogState> {
    const { messages, lastSequence, octets, maxOctets } = this.#stream(name);
    const firstSequence = messages[0]?.sequence ?? lastSequence + 1;
    return Promise.resolve({ firstSequence, lastSequence, messages: messages.length, octets, maxOctets });
  }

  truncate(name: string, before: number): Promise<void> {
    this.#keep(name, ({ sequence }) => sequence >= before);
    return Promise.resolve();
  }

  purge(name: string, subject: string): Promise<void> {
    this.#keep(name, (message) => !matches(subject, message.subject));
    return Promise.resolve();
  }

  subjects(name: string, pattern: string): Promise<readonly string[]> {
    const all = this.#stream(name).messages.map(({ subject }) => subject);
    return Promise.resolve([...new Set(all)].filter((subject) => matches(pattern, subject)));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #keep(name: string, wanted: (message: StoredMessage) => boolean): void {
    const stream = this.#stream(name);
    stream.messages = stream.messages.filter(wanted);
    stream.octets = stream.messages.reduce((sum, { payload }) => sum + payload.length + messageOverhead, 0);
  }

  #stream(name: string): Stream {
    const stream = this.#store.streams.get(name);
    if (!stream) throw new Error(`no stream ${name}`);
    return stream;
  }
}

function memoryRegister(store: MemoryStore): Register {
  const write = (key: string, value: Uint8Array): number => {
    store.register.set(key, { value: Buffer.from(value), revision: ++store.revision });
    return store.revision;
  };
  return {
    get: (key) => Promise.resolve(store.register.get(key)),
    create: (key, value) => Promise.resolve(store.register.has(key) ? undefined : write(key, value)),
    update: (key, value, revision) =>
      Promise.resolve(store.register.get(key)?.revision === revision ? write(key, value) : undefined),
    delete: (key) => {
      store.register.delete(key);
      return Promise.resolve();
    },
  };
}

/** NATS's rule for `>` at the end; the spool uses no `*`. */
const matches = (pattern: string, subject: string): boolean =>
  pattern.endsWith('.>') ? subject.startsWith(pattern.slice(0, -1)) : pattern === subject;
