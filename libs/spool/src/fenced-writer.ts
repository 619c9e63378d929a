/**
 * The owner's writes on one subject: bundled, one in flight, each refused by the log unless the subject's last message
 * is the one this owner wrote before (DESIGN §4 'The fence is safety').
 */
import type { Clock } from '@postrider/actor';
import type { AppendResult, Log } from './log.js';
import { decodeBundle, encodeBundle, type LogEntry, type RecordBundle } from './record-frame.js';
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
  /** Another owner has written: nothing of this one counts any more. */
  readonly fenced: (reason: string) => void;
}

interface Waiting {
  readonly entries: readonly LogEntry[];
  readonly since: number;
  readonly resolve: (sequence: number) => void;
  readonly reject: (error: Error) => void;
}

/** Until NATS is back or there is room again; events of the connection are not waited for, a try is cheap. */
const retryPause = 250;

export class FencedWriter {
  epoch = 0;
  /** Sequence of the last message this owner wrote: the log must keep it, the fence stands on it. */
  last = 0;
  readonly #options: FencedWriterOptions;
  #queue: Waiting[] = [];
  #inFlight: readonly Waiting[] = [];
  #bundle = 0;
  #ended: Error | undefined;

  constructor(options: FencedWriterOptions) {
    this.#options = options;
  }

  /**
   * Publishes the epoch record: from here on every older owner's write is refused.
   * @param epoch the shard's; absent when this record's own sequence is to be it
   * @throws when the log can't be reached
   */
  async open(epoch?: number): Promise<void> {
    const { log, subject, stream } = this.#options;
    for (;;) {
      this.last = (await log.last(stream, subject))?.sequence ?? 0;
      const result = await log.append(subject, this.#encode([{ entry: 'epoch' }]), { expectedLast: this.last });
      const sequence = result.result === 'acknowledged' ? result.sequence : await this.#landed();
      if (sequence !== undefined) {
        this.last = sequence;
        this.epoch = epoch ?? sequence;
        return;
      }
      if (result.result === 'refused' && result.reason === 'away') throw new Error(result.text);
      await this.#pause();
    }
  }

  /** Resolves with the sequence when the entries are durable. @throws Fenced */
  write(entries: readonly LogEntry[]): Promise<number> {
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#queue.push({ entries, since: this.#options.clock.monotonic(), resolve, reject });
      if (this.#inFlight.length === 0) void this.#writeNext();
    });
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

  async #writeNext(): Promise<void> {
    while (this.#queue.length > 0 && !this.#ended) {
      this.#inFlight = this.#nextBundle();
      this.#bundle++;
      const sequence = await this.#append(this.#encode(this.#inFlight.flatMap(({ entries }) => entries)));
      if (sequence === undefined) return;
      this.last = sequence;
      const written = this.#inFlight;
      this.#inFlight = [];
      for (const { resolve } of written) resolve(sequence);
    }
  }

  /** Until it is durable. @returns undefined when this owner has ended */
  async #append(payload: Buffer): Promise<number | undefined> {
    const { log, subject } = this.#options;
    while (!this.#ended) {
      const result: AppendResult = await log.append(subject, payload, { expectedLast: this.last });
      if (result.result === 'acknowledged') return result.sequence;
      if (result.result === 'unknown' || result.reason === 'stale') {
        const sequence = await this.#landed().catch(() => undefined);
        if (sequence !== undefined) return sequence;
      }
      await this.#pause();
    }
    return undefined;
  }

  /** Is the subject's last message the one just tried? Another owner's there is the end of this one. */
  async #landed(): Promise<number | undefined> {
    const { log, stream, subject, ownership } = this.#options;
    const message = await log.last(stream, subject);
    if (!message) return undefined;
    const found = decodeBundle(message.payload);
    if (found.ownership === ownership) return found.bundle === this.#bundle ? message.sequence : undefined;
    // Before the first record of ours, the last one is of course another's.
    if (this.epoch === 0 || message.sequence <= this.last) return undefined;
    const reason = `${found.owner} has taken over ${stream}`;
    this.end(new Fenced(reason));
    this.#options.fenced(reason);
    return undefined;
  }

  #nextBundle(): readonly Waiting[] {
    let octets = 0;
    let count = 0;
    for (const { entries } of this.#queue) {
      octets += entries.reduce((sum, entry) => sum + sizeOf(entry), 0);
      if (count > 0 && octets > this.#options.limit) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  #encode(entries: readonly LogEntry[]): Buffer {
    const { owner, ownership } = this.#options;
    const bundle: RecordBundle = { epoch: this.epoch, owner, ownership, bundle: this.#bundle, entries };
    return encodeBundle(bundle);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#options.clock.after(retryPause, resolve));
  }
}

/** About what an entry takes, a little more rather than less. */
function sizeOf(entry: LogEntry): number {
  if (entry.entry === 'epoch') return 64;
  if (entry.entry === 'put') return 512 + envelopeSize(entry.deferred.envelope.recipients) + 400 * entry.deferred.open.length;
  const { record } = entry;
  const recipients = 'recipients' in record ? 8 * record.recipients.length : 0;
  const born = 'born' in record ? (record.born ?? []) : [];
  return born.reduce(
    (sum, { envelope, content }) => sum + 512 + envelopeSize(envelope.recipients) + (content?.length ?? 0),
    512 + recipients,
  );
}

const envelopeSize = (recipients: readonly { readonly forwardPath: string }[]): number =>
  recipients.reduce((sum, { forwardPath }) => sum + 2 * forwardPath.length + 32, 0);
