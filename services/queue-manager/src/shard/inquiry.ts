/**
 * What a new owner has to know before it may do all that an owner does: what workers hold for the shard, and what other
 * shards hold and were granted at the sites that hash to it. It asks each of them and goes on once all have answered.
 * Who can't answer is waited for elsewhere: until it had the time to be heard otherwise, and its grants have ended.
 */
import { NobodyAnswers } from '@postrider/bus';
import {
  shard as shardProtocol,
  times,
  worker as workerProtocol,
  type HeldChannel,
} from '@postrider/protocol';
import type { KnownWorker } from '../leases/known-workers.js';
import type { ShardEnvironment } from './environment.js';

/** One beat, and what it may be late. */
export const settlingTime = times.beat + 500;
/** Asked again, where something is not known yet. */
const askedAgainAfter = 100;

export interface Claim {
  readonly site: string;
  readonly granted: number;
  readonly holding: number;
}

export interface InquiryOptions {
  readonly environment: ShardEnvironment;
  /** What a worker said. */
  readonly held: (worker: string, channels: readonly HeldChannel[]) => void;
  /** All workers have said what they hold. */
  readonly settled: () => void;
  /** What a shard said of the sites that hash to this one. */
  readonly claimed: (shard: string, epoch: number, claims: readonly Claim[]) => void;
  /** All shards have said so. */
  readonly learnt: () => void;
}

export class Inquiry {
  readonly #options: InquiryOptions;
  #startedAt = 0;
  #ended = false;

  constructor(options: InquiryOptions) {
    this.#options = options;
  }

  start(): void {
    this.#startedAt = this.#options.environment.clock.monotonic();
    void this.#askAll(() => this.#workers(), this.#options.settled);
    void this.#askAll(() => this.#shards(), this.#options.learnt);
  }

  /** Asks a shard once, whose grants have run out. */
  ask(shard: string): void {
    void this.#askShard(shard);
  }

  end(): void {
    this.#ended = true;
  }

  /** @param names who has to answer, as far as is known now; undefined: not known yet */
  async #askAll(
    asked: () => ReadonlyMap<string, () => Promise<boolean>> | undefined,
    done: () => void,
  ): Promise<void> {
    const answered = new Set<string>();
    while (!this.#ended) {
      const all = asked();
      const left = [...(all ?? [])].filter(([name]) => !answered.has(name));
      if (all !== undefined && left.length === 0) {
        done();
        return;
      }
      const answers = await Promise.all(left.map(([, ask]) => ask()));
      left.forEach(([name], at) => (answers[at] === true ? answered.add(name) : undefined));
      if (all === undefined || answers.includes(false))
        await new Promise<void>((resolve) => this.#options.environment.clock.after(askedAgainAfter, resolve));
    }
  }

  #workers(): ReadonlyMap<string, () => Promise<boolean>> | undefined {
    const known = this.#options.environment.workers.known();
    return known && new Map(known.map((one) => [one.worker, () => this.#askWorker(one)]));
  }

  #shards(): ReadonlyMap<string, () => Promise<boolean>> {
    return new Map(this.#options.environment.shards().map((name) => [name, () => this.#askShard(name)]));
  }

  /** @returns true when it has answered, or is gone */
  async #askWorker({ worker, drains }: KnownWorker): Promise<boolean> {
    const { bus, shard, owner, clock } = this.#options.environment;
    try {
      const { channels } = await bus.ref(workerProtocol, worker).ask('holds', { shard, epoch: owner.epoch });
      if (!this.#ended) this.#options.held(worker, channels);
      return true;
    } catch (fault) {
      // Slow, or stopped: it is waited for until it counts as lost. What a version that can't answer holds is in its beats.
      if (!(fault instanceof NobodyAnswers)) return false;
      return drains || clock.monotonic() - this.#startedAt > settlingTime;
    }
  }

  async #askShard(name: string): Promise<boolean> {
    const { bus, shard, owner } = this.#options.environment;
    try {
      const asked = { sitesOf: shard, epoch: owner.epoch };
      const { epoch, claims } = await bus.ref(shardProtocol, name).ask('claims', asked);
      if (claims === undefined) return false;
      if (!this.#ended) this.#options.claimed(name, epoch, claims);
      return true;
    } catch {
      return false;
    }
  }
}
