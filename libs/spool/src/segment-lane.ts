/**
 * One shard's segments of one writer: one publish in flight, retried with its id until its fate is known. A mail that
 * comes alone goes at once; while several come together they are gathered for a moment.
 */
import type { Clock, Timer } from '@postrider/actor';
import { times } from '@postrider/protocol';
import type { DiskRoom } from './disk-room.js';
import { encodeFrame, itemLength, type WrittenItem } from './frame.js';
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
  /** How long a segment of unknown fate is retried, milliseconds. */
  readonly giveUpAfter: number;
  readonly committed: ((shard: string, sequence: number, mails: number) => void) | undefined;
  /** A segment: milliseconds from its first publish on, octets. */
  readonly acknowledged: (took: number, octets: number) => void;
  readonly full: () => void;
  readonly disk: DiskRoom;
  /** Takes what waits to another shard. @returns false when there is none */
  readonly handOver: (commits: readonly WaitingCommit[]) => boolean;
}

export interface WaitingCommit {
  readonly item: WrittenItem;
  /** Its content stands in this shard: it can't go to another. */
  readonly bound: boolean;
  readonly resolve: (result: CommitResult) => void;
}

/** Room in the frame for its own fields. */
const frameReserve = 64;
/** Between two tries of a segment whose fate is unknown. */
const retryPause = 250;

/** The segment in flight. */
interface Segment {
  readonly commits: readonly WaitingCommit[];
  readonly frame: Buffer;
  readonly messageId: string;
  /** Monotonic milliseconds. */
  readonly startedAt: number;
  tries: number;
}

export class SegmentLane {
  readonly shard: string;
  segments = 0;
  mails = 0;
  /** Of all segments that were acknowledged. */
  storedOctets = 0;
  /** Of mails that wait to be published. */
  #queuedOctets = 0;
  /** Milliseconds of the last publish. */
  lastCommit = 0;
  readonly #options: LaneOptions;
  #queue: WaitingCommit[] = [];
  #segment: Segment | undefined;
  /** The segment before had mails of several clients: others are about to end theirs. */
  #isBusy = false;
  #gathering: Timer | undefined;
  /** Where segments are put together: free again once the one in flight is acknowledged. */
  #space: Buffer | undefined;
  #number = 0;
  /** Monotonic time of the last answer that nobody takes writes. */
  #refusedAt = -Infinity;
  #watch: Timer | undefined;
  #drained: (() => void)[] = [];

  constructor(options: LaneOptions) {
    this.#options = options;
    this.shard = options.shard;
  }

  /** Octets that were stored, or may be soon: the room they need counts as used. */
  get takenOctets(): number {
    return this.storedOctets + this.#queuedOctets + (this.#segment?.frame.length ?? 0);
  }

  get waiting(): number {
    return this.#queue.length + (this.#segment?.commits.length ?? 0);
  }

  /** No acknowledgement for longer than a shard may take: new mail must go elsewhere, or hear 451. */
  away(): boolean {
    const { log, clock } = this.#options;
    if (!log.connected || clock.monotonic() - this.#refusedAt < times.shardSetAside) return true;
    return this.#silentFor() >= times.shardSetAside;
  }

  take(commit: WaitingCommit): void {
    this.#queue.push(commit);
    this.#queuedOctets += itemLength(commit.item);
    this.#publishNext();
  }

  drained(): Promise<void> {
    if (this.waiting === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  #silentFor(): number {
    return this.#segment ? this.#options.clock.monotonic() - this.#segment.startedAt : 0;
  }

  #publishNext(): void {
    if (this.#segment || this.#gathering) return;
    if (this.#queue.length === 0) {
      for (const resolve of this.#drained.splice(0)) resolve();
      return;
    }
    const { clock, log } = this.#options;
    if (log.gatherSegmentsFor === 0 || !this.#isBusy || this.#queuedOctets >= this.#options.limit)
      this.#begin();
    else
      this.#gathering = clock.after(log.gatherSegmentsFor, () => {
        this.#gathering = undefined;
        // What has come by now goes.
        this.#isBusy = false;
        this.#publishNext();
      });
  }

  #begin(): void {
    const { writer, clock } = this.#options;
    const commits = this.#nextCommits();
    this.#isBusy = commits.length > 1;
    const number = ++this.#number;
    this.#space ??= Buffer.allocUnsafeSlow(this.#options.limit);
    const frame = encodeFrame({ writer, number, items: commits.map(({ item }) => item) }, this.#space);
    const messageId = `${writer.toString('hex')}-${number}`;
    this.#segment = { commits, frame, messageId, startedAt: clock.monotonic(), tries: 0 };
    this.#watchSilence();
    void this.#publish(this.#segment);
  }

  /** As many as fit; the first always does, since a content in a segment is bounded. */
  #nextCommits(): readonly WaitingCommit[] {
    let octets = frameReserve;
    let count = 0;
    for (const { item } of this.#queue) {
      octets += itemLength(item);
      if (count > 0 && octets > this.#options.limit) break;
      count++;
    }
    return this.#unqueued(this.#queue.splice(0, count));
  }

  #unqueued(commits: readonly WaitingCommit[]): readonly WaitingCommit[] {
    for (const { item } of commits) this.#queuedOctets -= itemLength(item);
    return commits;
  }

  async #publish(segment: Segment): Promise<void> {
    const { log, clock, shard, committed } = this.#options;
    segment.tries++;
    const { frame, messageId, commits, startedAt } = segment;
    const result = await log.append(subjects.segment(shard), frame, { messageId });
    // Given up meanwhile: its clients have their answer.
    if (this.#segment !== segment) return;
    if (result.result !== 'acknowledged' || (result.duplicate && segment.tries === 1)) {
      this.#notCommitted(result, segment);
      return;
    }
    const took = clock.monotonic() - startedAt;
    this.lastCommit = Math.round(took);
    this.storedOctets += frame.length;
    this.#options.acknowledged(took, frame.length);
    this.segments++;
    this.mails += commits.length;
    committed?.(shard, result.sequence, commits.length);
    this.#settle({ result: 'committed', shard, sequence: result.sequence });
  }

  #notCommitted(result: AppendResult, segment: Segment): void {
    if (result.result === 'acknowledged') {
      // An id that was never used can't be a duplicate: something answers for a store it does not have.
      this.#settle({ result: 'unavailable', text: 'the store took a new segment for a duplicate' });
      return;
    }
    // Once a try is unknown, a later one that is refused says nothing about it.
    if (segment.tries === 1 && result.result === 'refused') this.#refused(result.reason, result.text);
    else if (result.result === 'unknown' && result.full === true) {
      this.#options.full();
      this.#settle({ result: 'unknown', text: result.text, diskFull: true });
    } else if (this.#silentFor() >= this.#options.giveUpAfter)
      this.#settle({ result: 'unknown', text: result.text });
    else
      this.#options.clock.after(retryPause, () => {
        if (this.#segment === segment) void this.#publish(segment);
      });
  }

  /** Surely not stored. */
  #refused(reason: 'full' | 'stale' | 'away' | 'other', text: string): void {
    if (reason === 'away') {
      this.#refusedAt = this.#options.clock.monotonic();
      const again = this.#segment?.commits ?? [];
      this.#queue.unshift(...again);
      for (const { item } of again) this.#queuedOctets += itemLength(item);
      this.#segment = undefined;
      this.#space = undefined;
      this.#settleQueue(text);
      this.#publishNext();
      return;
    }
    if (reason === 'full') this.#options.full();
    this.#settle(reason === 'full' ? { result: 'full' } : { result: 'unavailable', text });
  }

  #settle(result: CommitResult): void {
    // What has no acknowledgement may still wait in the connection's buffers, by reference.
    if (result.result !== 'committed') this.#space = undefined;
    const settled = this.#segment?.commits ?? [];
    this.#segment = undefined;
    for (const { resolve } of settled) resolve(result);
    this.#publishNext();
  }

  /** One timer for as long as there is something in flight, not one a segment. */
  #watchSilence(): void {
    if (this.#watch) return;
    this.#watch = this.#options.clock.after(times.shardSetAside, () => {
      this.#watch = undefined;
      if (!this.#segment) return;
      // What waits behind it has not been published: another shard can take it, or its clients hear it now.
      if (this.#silentFor() >= times.shardSetAside) this.#silent();
      this.#watchSilence();
    });
  }

  /** A server that has met a full disk answers no publish until it is started again (DESIGN §3 'Room'). */
  #silent(): void {
    const { disk } = this.#options;
    const text = disk.low ? 'the disk is full' : `shard ${this.shard} does not acknowledge`;
    this.#settleQueue(text);
    if (disk.low) this.#settle({ result: 'unknown', text, diskFull: true });
    else void disk.prove();
  }

  /** What has not been published goes to another shard, or its clients hear that it can't be taken now. */
  #settleQueue(text: string): void {
    const waiting = this.#unqueued(this.#queue.splice(0));
    const free = waiting.filter(({ bound }) => !bound);
    const handedOver = free.length > 0 && this.#options.handOver(free);
    for (const { resolve, bound } of waiting)
      if (bound || !handedOver)
        resolve(this.#options.disk.low ? { result: 'full' } : { result: 'unavailable', text });
  }
}
