/** The log in memory, with JetStream's rules: for tests, and for measuring what is above it. */
import { systemClock, type Clock } from '@postrider/actor';
import { times } from '@postrider/protocol';
import {
  StreamGone,
  type AppendOptions,
  type AppendResult,
  type Log,
  type LogMessage,
  type LogState,
  type ReadLimit,
  type Register,
  type RegisterEntry,
} from './log.js';
import { leastRoom, streamPlans } from './names.js';

interface Stream {
  readonly pattern: string;
  messages: LogMessage[];
  lastSequence: number;
  octets: number;
  maxOctets: number;
  readonly ids: Map<string, number>;
}

interface TimedEntry extends RegisterEntry {
  /** Monotonic milliseconds. */
  readonly writtenAt: number;
}

/** Survives its users: two spools over one store are two processes over one NATS. */
export class MemoryStore {
  readonly streams = new Map<string, Stream>();
  readonly register = new Map<string, TimedEntry>();
  revision = 0;
}

/** What JetStream adds to each message on disk, about. */
const messageOverhead = 64;

export class MemoryLog implements Log {
  readonly connected: boolean = true;
  readonly gatherFor = 0;
  readonly gatherSegmentsFor = 0;
  readonly maxPayloadInOctets = 1024 * 1024;
  readonly register: Register;
  readonly #store: MemoryStore;
  readonly #maxSizeInOctets: number;

  constructor(store: MemoryStore, maxSizeInOctets: number, clock: Clock = systemClock) {
    this.#store = store;
    this.#maxSizeInOctets = maxSizeInOctets;
    this.register = memoryRegister(store, clock);
  }

  prepare(shards: readonly string[]): Promise<readonly string[]> {
    const told: string[] = [];
    for (const { name, subject, share } of streamPlans(shards)) {
      const maxOctets = Math.floor(this.#maxSizeInOctets * share);
      const known = this.#store.streams.get(name);
      if (known) {
        const least = leastRoom(known.octets);
        if (maxOctets < least) told.push(`${name} has room for ${least} octets`);
        known.maxOctets = Math.max(maxOctets, least);
        continue;
      }
      const empty = {
        pattern: subject,
        messages: [],
        lastSequence: 0,
        octets: 0,
        maxOctets,
        ids: new Map(),
      };
      this.#store.streams.set(name, empty);
    }
    return Promise.resolve(told);
  }

  streams(): Promise<readonly string[]> {
    return Promise.resolve([...this.#store.streams.keys()]);
  }

  append(subject: string, payload: Uint8Array, options: AppendOptions = {}): Promise<AppendResult> {
    return Promise.resolve(this.#append(subject, payload, options));
  }

  read(name: string, subject: string, from: number, limit: ReadLimit): Promise<readonly LogMessage[]> {
    return this.#on(name, ({ messages }) => {
      const found: LogMessage[] = [];
      let octets = 0;
      for (const message of messages.slice(firstFrom(messages, from))) {
        if (!matches(subject, message.subject)) continue;
        octets += message.payload.length;
        const full = found.length === limit.messages || (found.length > 0 && octets > limit.octets);
        if (full) return found;
        found.push(message);
      }
      const last = found.pop();
      return last ? [...found, { ...last, last: true }] : found;
    });
  }

  at(name: string, sequence: number): Promise<LogMessage | undefined> {
    return this.#on(name, ({ messages }) => {
      const found = messages[firstFrom(messages, sequence)];
      return found?.sequence === sequence ? found : undefined;
    });
  }

  last(name: string, subject: string): Promise<LogMessage | undefined> {
    return this.#on(name, ({ messages }) =>
      messages.findLast((message) => matches(subject, message.subject)),
    );
  }

  state(name: string): Promise<LogState> {
    return this.#on(name, ({ messages, lastSequence, octets, maxOctets }) => {
      const firstSequence = messages[0]?.sequence ?? lastSequence + 1;
      return { firstSequence, lastSequence, messages: messages.length, octets, maxOctets };
    });
  }

  truncate(name: string, before: number): Promise<void> {
    return this.#on(name, (stream) => {
      keepOnly(stream, ({ sequence }) => sequence >= before);
      stream.lastSequence = Math.max(stream.lastSequence, before - 1);
    });
  }

  purge(name: string, subject: string): Promise<void> {
    return this.#on(name, (stream) => keepOnly(stream, (message) => !matches(subject, message.subject)));
  }

  enlarge(name: string, byOctets: number): Promise<void> {
    return this.#on(name, (stream) => void (stream.maxOctets += byOctets));
  }

  leadership(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  moveLeader(stream: string): Promise<void> {
    return Promise.reject(new Error(`${stream} has one copy`));
  }

  subjects(name: string, pattern: string): Promise<readonly string[]> {
    return this.#on(name, ({ messages }) => {
      const all = new Set(messages.map(({ subject }) => subject));
      return [...all].filter((subject) => matches(pattern, subject));
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #append(subject: string, payload: Uint8Array, { messageId, expectedLast }: AppendOptions): AppendResult {
    const stream = [...this.#store.streams.values()].find(({ pattern }) => matches(pattern, subject));
    if (!stream) return { result: 'refused', reason: 'away', text: `no stream takes ${subject}` };
    const known = messageId === undefined ? undefined : stream.ids.get(messageId);
    if (known !== undefined) return { result: 'acknowledged', sequence: known, duplicate: true };
    const last = stream.messages.findLast((message) => message.subject === subject)?.sequence ?? 0;
    if (expectedLast !== undefined && expectedLast !== last)
      return { result: 'refused', reason: 'stale', text: `the last is ${last}` };
    if (stream.octets + payload.length + messageOverhead > stream.maxOctets)
      return { result: 'refused', reason: 'full', text: 'maximum bytes exceeded' };
    const sequence = ++stream.lastSequence;
    // A copy: the caller's buffer may live on, as over a network.
    stream.messages.push({ sequence, subject, payload: Buffer.from(payload) });
    stream.octets += payload.length + messageOverhead;
    if (messageId !== undefined) stream.ids.set(messageId, sequence);
    return { result: 'acknowledged', sequence, duplicate: false };
  }

  #on<T>(name: string, act: (stream: Stream) => T): Promise<T> {
    const stream = this.#store.streams.get(name);
    return stream ? Promise.resolve(act(stream)) : Promise.reject(new StreamGone(`no stream ${name}`));
  }
}

/** Index of the first message with that sequence or a later one. */
function firstFrom(messages: readonly LogMessage[], sequence: number): number {
  let [low, high] = [0, messages.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((messages[middle]?.sequence ?? 0) < sequence) low = middle + 1;
    else high = middle;
  }
  return low;
}

function keepOnly(stream: Stream, wanted: (message: LogMessage) => boolean): void {
  stream.messages = stream.messages.filter(wanted);
  stream.octets = stream.messages.reduce((sum, { payload }) => sum + payload.length + messageOverhead, 0);
}

function memoryRegister(store: MemoryStore, clock: Clock): Register {
  const write = (key: string, value: Uint8Array): number => {
    const entry = { value: Buffer.from(value), revision: ++store.revision, writtenAt: clock.monotonic() };
    store.register.set(key, entry);
    return entry.revision;
  };
  const get = (key: string): RegisterEntry | undefined => {
    const entry = store.register.get(key);
    return entry && clock.monotonic() - entry.writtenAt < times.leaseTtl ? entry : undefined;
  };
  return {
    get: (key) => Promise.resolve(get(key)),
    create: (key, value) => Promise.resolve(get(key) ? undefined : write(key, value)),
    update: (key, value, revision) =>
      Promise.resolve(get(key)?.revision === revision ? write(key, value) : undefined),
    delete: (key) => {
      store.register.delete(key);
      return Promise.resolve();
    },
  };
}

/** NATS's rule for `>` at the end; the spool uses no `*`. */
const matches = (pattern: string, subject: string): boolean =>
  pattern.endsWith('.>') ? subject.startsWith(pattern.slice(0, -1)) : pattern === subject;
