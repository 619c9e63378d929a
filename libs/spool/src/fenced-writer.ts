/**
 * The owner's writes on one subject: bundled, one in flight, each refused by the log unless the subject's last message
 * is the one this owner wrote before (DESIGN §4 'The fence is safety').
 */
import type { Clock } from '@postrider/actor';
import { DamagedFrame, NewerFormat } from './frame.js';
import { StreamGone, type AppendResult, type Log } from './log.js';
import {
  decodeBundle,
  encodeBundle,
  sizeOfEntry,
  type LogEntry,
  type RecordBundle,
  type Replaying,
} from './record-frame.js';
import { Fenced } from './spool.js';

export interface FencedWriterOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly stream: string;
  readonly subject: string;
  readonly owner: string;
  readonly ownership: string;
  /** Octets of one bundle. */
  readonly limit: number;
  /** Each entry once it is durable, in log order, before its write resolves. */
  readonly durable: (entry: LogEntry, sequence: number) => void;
  /** The stream is at its limit, and this must be written before anything in it can end. Never rejects. */
  readonly full?: () => Promise<void>;
  /** How far a replay is, as it stands in each bundle. */
  readonly replaying?: () => Replaying | undefined;
  /** Another owner has written, or the stream is gone: nothing of this owner counts any more. */
  readonly fenced: (reason: string) => void;
}

interface Waiting {
  readonly entries: readonly LogEntry[];
  readonly octets: number;
  readonly since: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Until NATS is back or there is room again; events of the connection are not waited for, a try is cheap. */
const retryPause = 250;

export class FencedWriter {
  epoch = 0;
  /** Sequence of the last message this owner wrote: the log must keep it, the fence stands on it. */
  last = 0;
  /** False: each write goes at once, whatever it costs. */
  gathers = true;
  readonly #options: FencedWriterOptions;
  #queue: Waiting[] = [];
  #inFlight: readonly Waiting[] = [];
  #bundle = 0;
  #writing = false;
  /** Monotonic time of the last bundle. */
  #sentAt = -Infinity;
  #ended: Error | undefined;

  constructor(options: FencedWriterOptions) {
    this.#options = options;
  }

  /**
   * Publishes the epoch record: from here on every older owner's write is refused. Its sequence is the epoch, until
   * another is set: a shard has one for all its logs.
   * @throws when the log can't be reached
   */
  async open(): Promise<void> {
    const { log, subject, stream } = this.#options;
    const payload = this.#encode([{ entry: 'epoch' }]);
    for (let tries = 0; ; tries++) {
      this.last = (await log.last(stream, subject))?.sequence ?? 0;
      const result = await log.append(subject, payload, { expectedLast: this.last });
      const sequence = result.result === 'acknowledged' ? result.sequence : await this.#landed();
      if (sequence !== undefined) {
        this.last = sequence;
        this.epoch = sequence;
        return;
      }
      if (isAtLimit(result)) await this.#options.full?.();
      if (tries >= 4) throw new Error(`${stream} takes no epoch record: ${textOf(result)}`);
      await this.#pause();
    }
  }

  /** Resolves when the entries are durable; in one message if they fit in one. @throws Fenced */
  write(entries: readonly LogEntry[]): Promise<void> {
    const parts = this.#parted(entries);
    return parts.length === 1
      ? this.#enqueue(entries)
      : Promise.all(parts.map((part) => this.#enqueue(part))).then();
  }

  /** Resolves when all that was written before is durable. @throws Fenced */
  flushed(): Promise<void> {
    return this.waiting === 0 ? Promise.resolve() : this.#enqueue([]);
  }

  /** Looks whether another owner has taken over: one that writes nothing would not hear of it. @throws Fenced */
  async verify(): Promise<void> {
    await this.#landed();
    if (this.#ended) throw this.#ended;
  }

  /** How long the oldest entry has waited, milliseconds. */
  unwrittenFor(): number {
    const oldest = this.#inFlight[0] ?? this.#queue[0];
    return oldest ? this.#options.clock.monotonic() - oldest.since : 0;
  }

  get waiting(): number {
    return this.#inFlight.length + this.#queue.length;
  }

  /** Ends it: what waits is refused. */
  end(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of [...this.#inFlight, ...this.#queue.splice(0)]) reject(this.#ended);
    this.#inFlight = [];
  }

  #enqueue(entries: readonly LogEntry[]): Promise<void> {
    if (this.#ended) return Promise.reject(this.#ended);
    const octets = entries.reduce((sum, entry) => sum + sizeOfEntry(entry), 0);
    return new Promise((resolve, reject) => {
      this.#queue.push({ entries, octets, since: this.#options.clock.monotonic(), resolve, reject });
      if (!this.#writing) void this.#writeNext();
    });
  }

  async #writeNext(): Promise<void> {
    this.#writing = true;
    while (this.#queue.length > 0 && !this.#ended) {
      const gathering = this.#gather();
      if (gathering) await gathering;
      this.#sentAt = this.#options.clock.monotonic();
      this.#inFlight = this.#nextBundle();
      const entries = this.#inFlight.flatMap((waiting) => waiting.entries);
      if (entries.length > 0 && !(await this.#writeBundle(entries))) continue;
      const written = this.#inFlight;
      this.#inFlight = [];
      for (const { resolve } of written) resolve();
    }
    this.#writing = false;
  }

  /** The first record of a while goes at once; those of a busy shard share bundles, and so fsyncs. */
  #gather(): Promise<void> | undefined {
    const { clock, log } = this.#options;
    const left = this.#sentAt + log.gatherFor - clock.monotonic();
    return this.gathers && left > 0 ? new Promise((resolve) => clock.after(left, resolve)) : undefined;
  }

  /** @returns false when it never will be durable; those who wait for it have been told */
  async #writeBundle(entries: readonly LogEntry[]): Promise<boolean> {
    this.#bundle++;
    const payload = this.#encode(entries);
    const { maxPayloadInOctets } = this.#options.log;
    if (payload.length > maxPayloadInOctets) {
      const error = new Error(`a bundle of ${payload.length} octets; a message takes ${maxPayloadInOctets}`);
      for (const { reject } of this.#inFlight) reject(error);
      this.#inFlight = [];
      return false;
    }
    const sequence = await this.#append(payload);
    if (sequence === undefined) return false;
    this.last = sequence;
    for (const entry of entries) this.#options.durable(entry, sequence);
    return true;
  }

  /** Until it is durable. @returns undefined when this owner has ended */
  async #append(payload: Buffer): Promise<number | undefined> {
    const { log, subject } = this.#options;
    while (!this.#ended) {
      const result = await log.append(subject, payload, { expectedLast: this.last });
      if (this.#isEnded()) return undefined;
      if (result.result === 'acknowledged') return result.sequence;
      if (isAtLimit(result)) await this.#options.full?.();
      const sequence = await this.#landed().catch(() => undefined);
      if (this.#isEnded()) return undefined;
      if (sequence !== undefined) return sequence;
      await this.#pause();
    }
    return undefined;
  }

  /** Is the subject's last message the one just tried? Another owner's there is the end of this one. */
  async #landed(): Promise<number | undefined> {
    const { log, stream, subject, ownership } = this.#options;
    try {
      const message = await log.last(stream, subject);
      if (!message || message.sequence <= this.last) return undefined;
      const found = decodeBundle(message.payload);
      if (found.ownership === ownership) return found.bundle === this.#bundle ? message.sequence : undefined;
      // Before the first record of ours stands, another's is no fence.
      if (this.epoch !== 0) this.#fence(`${found.owner} has taken over ${stream}`);
    } catch (error) {
      // What stands behind our own record and can't be read was not written by us either.
      const fence =
        error instanceof StreamGone || error instanceof NewerFormat || error instanceof DamagedFrame;
      if (!fence || this.epoch === 0) throw error;
      this.#fence(error.message);
    }
    return undefined;
  }

  #fence(reason: string): void {
    if (this.#ended) return;
    this.end(new Fenced(reason));
    this.#options.fenced(reason);
  }

  /** After an await: another part may have ended it meanwhile. */
  #isEnded(): boolean {
    return this.#ended !== undefined;
  }

  /** Calls that carry more than a message takes go as several. */
  #parted(entries: readonly LogEntry[]): readonly (readonly LogEntry[])[] {
    const parts: LogEntry[][] = [[]];
    let octets = 0;
    for (const entry of entries) {
      const size = sizeOfEntry(entry);
      if (octets > 0 && octets + size > this.#options.limit) {
        parts.push([]);
        octets = 0;
      }
      octets += size;
      parts.at(-1)?.push(entry);
    }
    return parts;
  }

  #nextBundle(): readonly Waiting[] {
    let octets = 0;
    let count = 0;
    for (const waiting of this.#queue) {
      octets += waiting.octets;
      if (count > 0 && octets > this.#options.limit) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  #encode(entries: readonly LogEntry[]): Buffer {
    const { owner, ownership } = this.#options;
    const replaying = this.#options.replaying?.();
    const bundle: RecordBundle = {
      epoch: this.epoch,
      owner,
      ownership,
      bundle: this.#bundle,
      entries,
      ...(replaying === undefined ? {} : { replaying }),
    };
    return encodeBundle(bundle);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#options.clock.after(retryPause, resolve));
  }
}

/** Of the stream or the account, and not of the disk. */
const isAtLimit = (result: AppendResult): boolean => result.result === 'refused' && result.reason === 'full';

const textOf = (result: AppendResult): string =>
  result.result === 'acknowledged' ? 'acknowledged' : `${result.result}: ${result.text}`;
