/**
 * smtp-ingress's side of the spool: group commit. A lane a shard; each has one publish in flight, and all that
 * commits meanwhile goes into its next segment: an idle system commits a mail at once, a busy one shares the fsync.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '@postrider/actor';
import type { MailId, MailObject } from '@postrider/mail';
import { times } from '@postrider/protocol';
import { writerIdLength } from './frame.js';
import { largeContentWriter } from './large-content.js';
import type { Log } from './log.js';
import { segmentLimitInOctets, messageReserveInOctets, softLimit, streamsOf } from './names.js';
import { SegmentLane, type WaitingCommit } from './segment-lane.js';
import type { CommitResult, LargeContentWriter, SpoolWriter, WriterOptions } from './spool.js';

export interface WriterContext {
  readonly log: Log;
  readonly clock: Clock;
  /** How long a segment of unknown fate is retried, milliseconds. */
  readonly giveUpAfter: number;
}

/** How often a shard's room is looked at while mail flows, milliseconds. */
const roomCheckedEvery = 1_000;

export class SegmentWriter implements SpoolWriter {
  readonly #context: WriterContext;
  readonly #lanes: readonly [SegmentLane, ...SegmentLane[]];
  #current = 0;
  #full = false;
  #roomCheckedAt = -Infinity;

  constructor(context: WriterContext, options: WriterOptions) {
    this.#context = context;
    const writer = randomBytes(writerIdLength);
    const limit = Math.min(segmentLimitInOctets, context.log.maxPayloadInOctets - messageReserveInOctets);
    const [first, ...rest] = options.shards.map(
      (shard) => new SegmentLane({
          ...context,
          shard,
          writer,
          limit,
          committed: options.committed,
          handOver: (commits) => this.#handOver(commits),
        }),
    );
    if (!first) throw new Error('no shard to write to');
    this.#lanes = [first, ...rest];
    // Ingress processes spread over the shards by chance of their ids, and each sticks to its own.
    this.#current = writer.readUInt32BE(0) % this.#lanes.length;
  }

  get shard(): string {
    return this.#lane().shard;
  }

  commit(mail: MailObject, shard?: string): Promise<CommitResult> {
    const lane = shard === undefined ? this.#lane() : this.#laneOf(shard);
    this.#watchRoom(lane);
    return lane.commit(mail);
  }

  beginLarge(contentId: MailId): LargeContentWriter {
    const { shard } = this.#lane();
    return largeContentWriter({ ...this.#context, shard, contentId });
  }

  room(): 'ok' | 'full' | 'away' {
    const lane = this.#lane();
    if (lane.away()) return 'away';
    if (this.#full) this.#watchRoom(lane);
    return this.#full ? 'full' : 'ok';
  }

  async drained(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.drained()));
  }

  figures(): Readonly<Record<string, number>> {
    const sum = (of: (lane: SegmentLane) => number): number => this.#lanes.reduce((total, lane) => total + of(lane), 0);
    return {
      segments: sum((lane) => lane.segments),
      segmentMails: sum((lane) => lane.mails),
      waitingForCommit: sum((lane) => lane.waiting),
      lastCommitInMilliseconds: this.#lane().lastCommit,
    };
  }

  /** The lane that mail goes to now: it moves on when its shard has been silent and another has not. */
  #lane(): SegmentLane {
    const current = this.#laneAt(this.#current);
    if (!current.away()) return current;
    const next = this.#lanes.findIndex((lane) => !lane.away());
    if (next !== -1) this.#current = next;
    return this.#laneAt(this.#current);
  }

  #handOver(commits: readonly WaitingCommit[]): boolean {
    const lane = this.#lane();
    if (lane.away()) return false;
    for (const commit of commits) lane.take(commit);
    return true;
  }

  #laneAt(index: number): SegmentLane {
    return this.#lanes[index] ?? this.#lanes[0];
  }

  #laneOf(shard: string): SegmentLane {
    const lane = this.#lanes.find((other) => other.shard === shard);
    if (!lane) throw new Error(`shard ${shard} is not one of this writer's`);
    return lane;
  }

  #watchRoom(lane: SegmentLane): void {
    const now = this.#context.clock.monotonic();
    if (now - this.#roomCheckedAt < roomCheckedEvery) return;
    this.#roomCheckedAt = now;
    const names = streamsOf(lane.shard);
    Promise.all([this.#context.log.state(names.spool), this.#context.log.state(names.content)])
      .then((states) => {
        this.#full = states.some(({ octets, maxOctets }) => maxOctets > 0 && octets > maxOctets * softLimit);
      })
      // It can't be asked now: what is known stays, and the publish itself will tell.
      .catch(() => undefined);
  }
}

/** On one server there is no election to wait for: a client hears 451 within 10 s (DESIGN §3). */
export const giveUpAfter = (replicas: number): number => (replicas > 1 ? times.segmentGivenUp : times.segmentGivenUpAlone);
