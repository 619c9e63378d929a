/**
 * smtp-ingress's side of the spool: group commit. A lane a shard; each has one publish in flight, and all that
 * commits meanwhile goes into its next segment: an idle system commits a mail at once, a busy one shares the fsync.
 */
import { randomBytes } from 'node:crypto';
import type { Clock } from '@postrider/actor';
import type { MailId } from '@postrider/mail';
import { times } from '@postrider/protocol';
import { anyRoom, type DiskRoom } from './disk-room.js';
import { bodyLength, mailItem, writerIdLength } from './frame.js';
import { Histogram } from './histogram.js';
import { ChunkWriter } from './large-content.js';
import { LargeContentPool } from './large-content-pool.js';
import type { Log } from './log.js';
import {
  chunkInOctets,
  frameLimit,
  hardLimit,
  largeContentInOctets,
  shardStreams,
  softLimit,
} from './names.js';
import { SegmentLane, type WaitingCommit } from './segment-lane.js';
import type { CommitResult, LargeContentWriter, MailToCommit, SpoolWriter, WriterOptions } from './spool.js';

export interface WriterContext {
  readonly log: Log;
  readonly clock: Clock;
  /** How long a segment of unknown fate is retried, milliseconds. */
  readonly giveUpAfter: number;
  /** The disk that the log is on, where it is ours. */
  readonly disk?: DiskRoom;
}

/** How often a shard's room is looked at while mail flows, milliseconds. */
const roomCheckedEvery = 1_000;

/** What SPOOL had left when it was looked at, octets, and how much of this writer was stored by then. */
interface RoomLeft {
  readonly stored: number;
  readonly toSoftLimit: number;
  readonly toHardLimit: number;
}
const unknownRoom: RoomLeft = { stored: 0, toSoftLimit: Infinity, toHardLimit: Infinity };
/** After so much of what was left it is looked at again: other writers use it as well. */
const lookedAtAfter = 0.25;

/** Octets of a segment: from a small mail alone to as many as a publish may carry. */
const sizeBounds = [4_096, 16_384, 65_536, 262_144, 524_288, 1_048_576];
/** Seconds of a commit: from an fsync on a fast disk to the time after which a segment is given up. */
const timeBounds = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10];

export class SegmentWriter implements SpoolWriter {
  readonly #context: WriterContext;
  readonly #disk: DiskRoom;
  readonly #lanes: readonly [SegmentLane, ...SegmentLane[]];
  #current: number;
  readonly #full = new Set<SegmentLane>();
  readonly #large = new LargeContentPool(chunkInOctets);
  readonly #left = new Map<SegmentLane, RoomLeft>();
  readonly #looking = new Set<SegmentLane>();
  #roomCheckedAt = -Infinity;
  /** Mails that found no place: 452 and 451 to the client. */
  readonly #turnedAway = { full: 0, away: 0 };
  readonly #sizes = new Histogram(sizeBounds);
  readonly #times = new Histogram(timeBounds);
  /** Segments refused for want of room: an answer about the room that was on its way then is of yesterday. */
  #refusals = 0;

  constructor(context: WriterContext, options: WriterOptions) {
    this.#context = context;
    this.#disk = context.disk ?? anyRoom;
    const writer = randomBytes(writerIdLength);
    const common = {
      ...context,
      disk: this.#disk,
      writer,
      limit: frameLimit(context.log.maxPayloadInOctets),
      committed: options.committed,
    };
    const [first, ...rest] = options.shards.map((shard): SegmentLane => {
      const lane: SegmentLane = new SegmentLane({
        ...common,
        shard,
        acknowledged: (took, octets) => {
          this.#times.observe(took / 1000);
          this.#sizes.observe(octets);
          this.#watchRoom(lane);
        },
        full: () => {
          this.#refusals++;
          this.#full.add(lane);
        },
        handOver: (commits) => this.#handOver(commits),
      });
      return lane;
    });
    if (!first) throw new Error('a spool writer needs a shard to write to');
    this.#lanes = [first, ...rest];
    // Ingress processes spread over the shards by chance of their ids, and each sticks to its own.
    this.#current = writer.readUInt32BE(0) % this.#lanes.length;
  }

  get shard(): string {
    return this.#lane().shard;
  }

  commit(mail: MailToCommit, shard?: string): Promise<CommitResult> {
    const octets = bodyLength(mail.content ?? []);
    if (octets > largeContentInOctets) {
      const text = `content of ${octets} octets; over ${largeContentInOctets} it goes in chunks (beginLarge)`;
      return Promise.resolve({ result: 'unavailable', text });
    }
    const lane = shard === undefined ? this.#lane() : this.#laneOf(shard);
    this.#watchRoom(lane);
    if (this.#used(lane) > (this.#left.get(lane)?.toHardLimit ?? Infinity)) {
      this.#turnedAway.full++;
      return Promise.resolve({ result: 'full' });
    }
    return new Promise((resolve) =>
      lane.take({
        item: mailItem(mail),
        bound: mail.envelope.large !== undefined,
        resolve: (result) => {
          if (result.result === 'full') this.#turnedAway.full++;
          else if (result.result !== 'committed') this.#turnedAway.away++;
          resolve(result);
        },
      }),
    );
  }

  beginLarge(contentId: MailId): LargeContentWriter {
    const { shard } = this.#lane();
    const { log } = this.#context;
    return new ChunkWriter({ log, disk: this.#disk, pool: this.#large, shard, contentId });
  }

  room(): 'ok' | 'full' | 'away' {
    const lane = this.#lane();
    this.#watchRoom(lane);
    if (!this.#disk.low && lane.away()) {
      this.#turnedAway.away++;
      return 'away';
    }
    if (!this.#disk.low && !this.#full.has(lane)) return 'ok';
    this.#turnedAway.full++;
    return 'full';
  }

  async drained(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.drained()));
  }

  figures(): Readonly<Record<string, unknown>> {
    const sum = (of: (lane: SegmentLane) => number): number =>
      this.#lanes.reduce((total, lane) => total + of(lane), 0);
    return {
      segments: sum((lane) => lane.segments),
      segmentMails: sum((lane) => lane.mails),
      segmentInOctets: this.#sizes.figure(),
      commitInSeconds: this.#times.figure(),
      turnedAwayFull: this.#turnedAway.full,
      turnedAwayUnavailable: this.#turnedAway.away,
      waitingForCommit: sum((lane) => lane.waiting),
      lastCommitInMilliseconds: this.#lane().lastCommit,
    };
  }

  /** The lane that mail goes to now: it moves on when its shard is silent or full and another is not. */
  #lane(): SegmentLane {
    const current = this.#laneAt(this.#current);
    if (this.#takes(current)) return current;
    const next = this.#lanes.findIndex((lane) => this.#takes(lane));
    if (next !== -1) this.#current = next;
    return this.#laneAt(this.#current);
  }

  #takes(lane: SegmentLane): boolean {
    return !this.#disk.low && !lane.away() && !this.#full.has(lane);
  }

  #handOver(commits: readonly WaitingCommit[]): boolean {
    const lane = this.#lane();
    if (!this.#takes(lane)) return false;
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

  /** While mail flows or is turned away, so that a shard with room again is found. */
  #watchRoom(lane: SegmentLane): void {
    const now = this.#context.clock.monotonic();
    const { toSoftLimit, toHardLimit } = this.#left.get(lane) ?? unknownRoom;
    const used = this.#used(lane);
    // What is left for outcomes is none of mail's: no answer is waited for.
    if (used > toSoftLimit) this.#full.add(lane);
    const left = toSoftLimit > 0 ? toSoftLimit : toHardLimit;
    if (left > 0 && used > left * lookedAtAfter) void this.#checkRoom(lane);
    if (now - this.#roomCheckedAt < roomCheckedEvery) return;
    this.#roomCheckedAt = now;
    void this.#disk.look();
    for (const one of new Set([lane, ...this.#full])) void this.#checkRoom(one);
  }

  /** DEFER counts too: mail that can't be delivered must have a place to wait in. */
  async #checkRoom(lane: SegmentLane): Promise<void> {
    const { log } = this.#context;
    if (this.#looking.has(lane)) return;
    this.#looking.add(lane);
    const [refusals, stored] = [this.#refusals, lane.storedOctets];
    try {
      const states = await Promise.all(shardStreams(lane.shard).map(({ name }) => log.state(name)));
      const [spool] = states;
      if (spool && spool.maxOctets > 0) {
        const left = (share: number): number => spool.maxOctets * share - spool.octets;
        this.#left.set(lane, { stored, toSoftLimit: left(softLimit), toHardLimit: left(hardLimit) });
      }
      const full = states.some(({ octets, maxOctets }) => maxOctets > 0 && octets > maxOctets * softLimit);
      if (full) this.#full.add(lane);
      else if (refusals === this.#refusals) this.#full.delete(lane);
    } catch {
      // It can't be asked now: what is known stays, and the publish itself will tell.
    } finally {
      this.#looking.delete(lane);
    }
  }

  /** Octets that came since the room was looked at, those that wait included. */
  #used(lane: SegmentLane): number {
    return lane.takenOctets - (this.#left.get(lane)?.stored ?? 0);
  }
}

/** On one server there is no election to wait for: a client hears 451 within 10 s (DESIGN §3). */
export const giveUpAfter = (replicas: number): number =>
  replicas > 1 ? times.segmentGivenUp : times.segmentGivenUpAlone;
