/** One shard's segments of one writer: one publish in flight, retried with its id until its fate is known. */
import type { Clock, Timer } from '@postrider/actor';
import type { MailObject } from '@postrider/mail';
import { times } from '@postrider/protocol';
import { encodeFrame, itemLength, mailItem, type FrameItem } from './frame.js';
import type { AppendResult, Log } from './log.js';
import { subjects } from './names.js';
import type { CommitResult } from './spool.js';

export interface LaneOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly shard: string;
  readonly writer: Buffer;
  /** Octets of one segment. */
  readonly limit: number;
  readonly giveUpAfter: number;
  readonly committed: ((shard: string, sequence: number, mails: number) => void) | undefined;
  /** Takes what waits to another shard. @returns false when there is none */
  readonly handOver: (commits: readonly WaitingCommit[]) => boolean;
}

export interface WaitingCommit {
  readonly item: FrameItem;
  readonly resolve: (result: CommitResult) => void;
}

/** Room in the frame for its own fields. */
const frameReserve = 64;
/** Between two tries of a segment whose fate is unknown. */
const retryPause = 250;

export class SegmentLane {
  readonly shard: string;
  segments = 0;
  mails = 0;
  /** Milliseconds of the last publish. */
  lastCommit = 0;
  readonly #options: LaneOptions;
  #queue: WaitingCommit[] = [];
  #inFlight: readonly WaitingCommit[] = [];
  /** Monotonic time since which a segment's fate has been unknown. */
  #unknownSince: number | undefined;
  #number = 0;
  #retry: Timer | undefined;
  #drained: (() => void)[] = [];

  constructor(options: LaneOptions) {
    this.#options = options;
    this.shard = options.shard;
  }

  get waiting(): number {
    return this.#queue.length + this.#inFlight.length;
  }

  /** No acknowledgement for longer than a shard may take: new mail must go elsewhere, or hear 451. */
  away(): boolean {
    if (!this.#options.log.connected) return true;
    const since = this.#unknownSince;
    return since !== undefined && this.#options.clock.monotonic() - since > times.shardSetAside;
  }

  commit(mail: MailObject): Promise<CommitResult> {
    const item = mailItem(mail);
    return new Promise((resolve) => this.take({ item, resolve }));
  }

  take(commit: WaitingCommit): void {
    this.#queue.push(commit);
    this.#publishNext();
  }

  drained(): Promise<void> {
    if (this.waiting === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  #publishNext(): void {
    if (this.#inFlight.length > 0) return;
    if (this.#queue.length === 0) {
      for (const resolve of this.#drained.splice(0)) resolve();
      return;
    }
    this.#inFlight = this.#nextSegment();
    this.#number++;
    const items = this.#inFlight.map(({ item }) => item);
    const frame = encodeFrame({ writer: this.#options.writer, number: this.#number, items });
    void this.#publish(frame, this.#options.clock.monotonic(), true);
  }

  /** As many as fit; the first always does, since a content in a segment is bounded. */
  #nextSegment(): readonly WaitingCommit[] {
    let octets = frameReserve;
    let count = 0;
    for (const { item } of this.#queue) {
      octets += itemLength(item);
      if (count > 0 && octets > this.#options.limit) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  async #publish(frame: Buffer, startedAt: number, first: boolean): Promise<void> {
    const { log, clock, writer, shard } = this.#options;
    const messageId = `${writer.toString('hex')}-${this.#number}`;
    const result = await log.append(subjects.segment(shard), frame, { messageId });
    const acknowledged = result.result === 'acknowledged';
    if (acknowledged && !(result.duplicate && first)) {
      this.#unknownSince = undefined;
      this.lastCommit = Math.round(clock.monotonic() - startedAt);
      this.segments++;
      this.mails += this.#inFlight.length;
      this.#options.committed?.(shard, result.sequence, this.#inFlight.length);
      this.#settle({ result: 'committed', shard, sequence: result.sequence });
    } else this.#notCommitted(result, frame, startedAt, first);
  }

  #notCommitted(result: AppendResult, frame: Buffer, startedAt: number, first: boolean): void {
    const { clock, giveUpAfter } = this.#options;
    if (result.result === 'acknowledged') {
      // An id that was never used can't be a duplicate: something answers for a store it does not have.
      this.#settle({ result: 'unavailable', text: 'the store took a new segment for a duplicate' });
      return;
    }
    const surely = first && result.result === 'refused';
    if (surely && result.reason === 'full') return this.#settle({ result: 'full' });
    if (surely) {
      this.#settle({ result: 'unavailable', text: result.text });
      if (result.reason === 'away') this.#settleQueue(result.text);
      return;
    }
    this.#unknownSince ??= startedAt;
    if (clock.monotonic() - startedAt >= giveUpAfter) {
      this.#settle({ result: 'unknown', text: result.text });
      return;
    }
    // Nobody else can take what waits behind it: those clients hear it now, and not after the retries.
    if (this.away()) this.#settleQueue(result.text);
    this.#retry?.cancel();
    this.#retry = clock.after(retryPause, () => void this.#publish(frame, startedAt, false));
  }

  #settle(result: CommitResult): void {
    const settled = this.#inFlight;
    this.#inFlight = [];
    // Given up or known: the next segment finds out how it stands now.
    this.#unknownSince = undefined;
    for (const { resolve } of settled) resolve(result);
    this.#publishNext();
  }

  /** What has not been published goes to another shard, or its clients hear that it can't be taken now. */
  #settleQueue(text: string): void {
    const waiting = this.#queue.splice(0);
    if (waiting.length === 0 || this.#options.handOver(waiting)) return;
    for (const { resolve } of waiting) resolve({ result: 'unavailable', text });
  }
}
