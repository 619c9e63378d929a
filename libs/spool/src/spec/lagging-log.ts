/**
 * A log with a leader and a replica that is behind: reads go to either, as Direct Get's do. The replica has the leader's
 * writes and removals in their order, only later.
 */
import { MemoryLog, MemoryStore } from '../memory.js';
import type { AppendOptions, AppendResult, LogMessage, ReadLimit } from '../log.js';
import type { Clock } from '@postrider/actor';

/** Who answers the next read, and how many of the changes that it lacks the replica takes after it. */
export interface Answerer {
  readonly by: 'leader' | 'replica';
  readonly catchesUp: number;
}

export class LaggingLog extends MemoryLog {
  /** In turn, over and over; none: the leader answers. */
  answerers: readonly Answerer[] = [];
  readonly #replica: MemoryLog;
  #behind: (() => Promise<unknown>)[] = [];
  #reads = 0;

  constructor(maxSizeInOctets: number, clock: Clock) {
    super(new MemoryStore(), maxSizeInOctets, clock);
    this.#replica = new MemoryLog(new MemoryStore(), maxSizeInOctets, clock);
  }

  override async prepare(shards: readonly string[]): Promise<readonly string[]> {
    await this.#replica.prepare(shards);
    return super.prepare(shards);
  }

  override async append(
    subject: string,
    payload: Uint8Array,
    options?: AppendOptions,
  ): Promise<AppendResult> {
    const result = await super.append(subject, payload, options);
    const copy = Buffer.from(payload);
    if (result.result === 'acknowledged' && !result.duplicate)
      this.#behind.push(() => this.#replica.append(subject, copy));
    return result;
  }

  override truncate(stream: string, before: number): Promise<void> {
    this.#behind.push(() => this.#replica.truncate(stream, before));
    return super.truncate(stream, before);
  }

  override purge(stream: string, subject: string): Promise<void> {
    this.#behind.push(() => this.#replica.purge(stream, subject));
    return super.purge(stream, subject);
  }

  override async read(
    stream: string,
    subject: string,
    from: number,
    limit: ReadLimit,
  ): Promise<readonly LogMessage[]> {
    const answerer = this.answerers[this.#reads++ % this.answerers.length];
    if (answerer === undefined) return super.read(stream, subject, from, limit);
    const found = await (answerer.by === 'replica'
      ? this.#replica.read(stream, subject, from, limit)
      : super.read(stream, subject, from, limit));
    for (const change of this.#behind.splice(0, answerer.catchesUp)) await change();
    return found;
  }

  /** The replica has all that the leader has. */
  async catchUp(): Promise<void> {
    for (const change of this.#behind.splice(0)) await change();
  }
}
