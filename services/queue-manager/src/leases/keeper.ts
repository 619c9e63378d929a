/**
 * Keeps this instance's share of the shards: takes free leases, hands over what is above its share, one at a time, and
 * all at its end. Whoever lets go tells the next owner. A holder that is provably gone - NATS says that nobody serves
 * its shard, twice - does not cost its lease's whole time to live: the fence is the safety, the lease is politeness
 * (DESIGN §4).
 */
import type { Timer } from '@postrider/actor';
import { NobodyAnswers } from '@postrider/bus';
import {
  keeper as keeperProtocol,
  shard as shardProtocol,
  times,
  type ShardOwnership,
} from '@postrider/protocol';
import { hasOwnServer, type ServiceContext } from '@postrider/runtime';
import type { LeaseRecord } from '@postrider/spool';
import type { ShardEnvironment } from '../shard/environment.js';
import type { KnownWorkers } from './known-workers.js';
import type { Members } from './members.js';
import { shareOf, takenByAnyoneAfter, toHandOver, toTake } from './share.js';
import { ShardSeat, type Leaving } from './shard-seat.js';

export interface KeeperOptions {
  readonly context: ServiceContext;
  readonly members: Members;
  readonly workers: KnownWorkers;
  readonly common: Pick<ShardEnvironment, 'router' | 'settings' | 'soon'>;
}

/** While there are no shards yet, ingress is about to make them. */
const noShardsPause = 250;
/**
 * Between the two questions that prove a holder gone: it may have taken the lease an instant ago, or be on its way to
 * another NATS server.
 */
const askedAgainAfter = 500;
/** Left to instances of a newer version for so long, should there be any. */
const newerFormatLeft = 60_000;
/** A shard that nobody else would take is not handed over for so long: an update is over by then, or it is tried again. */
const untakenStays = 300_000;
/** For the results of what is in flight when a shard is handed over: the next owner hears of the rest from its workers. */
const handOverWithin = 500;
/** An owner that does not say who it is for so long stands still, or is cut off. */
const answersWithin = 500;

export class Keeper {
  readonly #options: KeeperOptions;
  readonly #seats = new Map<string, ShardSeat>();
  /** Monotonic milliseconds since when a shard was seen without a holder. */
  readonly #freeSince = new Map<string, number>();
  /** Shards whose lease is being asked for. */
  readonly #taking = new Set<string>();
  /** Holders that did not answer when they were probed last. */
  #silent: ReadonlySet<string> = new Set();
  /** Of shards of others, also of those whose lease has lapsed: who had it last. */
  readonly #lastHolders = new Map<string, string>();
  /** Monotonic milliseconds until when a shard is left to others, whose format is not known here. */
  readonly #leftToNewer = new Map<string, number>();
  /** Monotonic milliseconds until when a shard stays, since nobody else has taken it when it was free. */
  readonly #untaken = new Map<string, number>();
  #shards: readonly string[] = [];
  #holders = new Map<string, string>();
  /** No shard had an owner when this instance looked first, and no worker can be left of a time before. */
  #systemStarts: boolean | undefined;
  #timer: Timer | undefined;
  /** Monotonic milliseconds of the last round. */
  #lookedAt = -Infinity;
  #ended = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  get seats(): readonly ShardSeat[] {
    return [...this.#seats.values()];
  }

  /** What is to be done once for all shards is this instance's to do. */
  get ownsFirst(): boolean {
    return this.#seats.has(this.#shards[0] ?? '');
  }

  ownerships(): readonly ShardOwnership[] {
    return this.#shards.map((shard) => {
      const owner = this.#seats.has(shard) ? this.#options.context.bus.instance : this.#holders.get(shard);
      return owner === undefined ? { shard } : { shard, owner };
    });
  }

  /** The first round, and then one every `leaseRenewed`, or as soon as another owner does not answer. */
  async start(): Promise<void> {
    await this.#roundSafely();
    this.#again();
  }

  /**
   * Another instance has let go of the shard in our favour.
   * @param leaving it ends; otherwise it only had more than its share, and several may have thought of us
   * @returns false when it is not ours now
   */
  async take(shard: string, leaving: boolean): Promise<boolean> {
    const share = shareOf(this.#shards.length, this.#options.members.count());
    const room = leaving || this.#seats.size + this.#taking.size < share;
    if (room && !this.#leftToOthers(shard)) await this.#take(shard);
    return this.#seats.has(shard) && !this.#ended;
  }

  async end(within: number): Promise<void> {
    this.#ended = true;
    this.#timer?.cancel();
    const handsOver = this.#options.members.successors().length > 0;
    const manner = { handsOver, within: handsOver ? Math.min(within, handOverWithin) : within };
    await Promise.all(this.seats.map((seat) => this.#handOver(seat, 'shutting down', manner)));
  }

  #again(): void {
    if (this.#ended) return;
    const pause = this.#shards.length === 0 ? noShardsPause : times.ownersProbed;
    this.#timer = this.#options.context.clock.after(pause, () => void this.#look().then(() => this.#again()));
  }

  async #look(): Promise<void> {
    const due = this.#options.context.clock.monotonic() - this.#lookedAt >= times.leaseRenewed;
    if (!(await this.#allAnswer()) || due || this.#shards.length === 0) await this.#roundSafely();
  }

  /** Asks each other owner by one of its shards. */
  async #allAnswer(): Promise<boolean> {
    const byHolder = new Map([...this.#lastHolders].map(([shard, holder]) => [holder, shard]));
    const answers = await Promise.all(
      [...byHolder].map(async ([holder, shard]) => ({ holder, answer: await this.#who(shard) })),
    );
    this.#silent = new Set(answers.flatMap(({ holder, answer }) => (answer === 'no answer' ? [holder] : [])));
    return answers.every(({ answer }) => answer === 'somebody');
  }

  async #roundSafely(): Promise<void> {
    this.#lookedAt = this.#options.context.clock.monotonic();
    try {
      await this.#round();
    } catch (fault) {
      this.#options.context.log.debug({ fault: String(fault) }, 'leases could not be looked at');
    }
  }

  async #round(): Promise<void> {
    const { spool, clock } = this.#options.context;
    this.#shards = await spool.shards();
    const leases = await spool.leases().list();
    this.#systemStarts = this.#systemStarts === undefined && leases.size === 0 && this.#startsAll();
    const free = await this.#free(leases);
    const now = clock.monotonic();
    for (const shard of this.#freeSince.keys()) if (!free.includes(shard)) this.#freeSince.delete(shard);
    const readable = free.filter((shard) => !this.#leftToOthers(shard));
    const waits = new Map(readable.map((shard) => [shard, now - this.#seenFree(shard, now)]));
    for (const [shard, wait] of waits)
      if (wait >= takenByAnyoneAfter) this.#untaken.set(shard, now + untakenStays);
    const claims = {
      owned: [...this.#seats.keys()],
      shards: this.#shards.length,
      members: this.#options.members.count(),
    };
    await Promise.all(toTake({ ...claims, free: waits }).map((shard) => this.#take(shard)));
    const stays = (shard: string): boolean => (this.#untaken.get(shard) ?? 0) > now;
    const seat = this.#seats.get(toHandOver({ ...claims, stays }) ?? '');
    const underWay = this.seats.some(({ leaving }) => leaving !== undefined);
    if (seat !== undefined && !underWay && this.#options.members.successors().length > 0)
      void this.#handOver(seat, 'handed over', { handsOver: true, within: handOverWithin });
  }

  /**
   * On a machine of its own, what runs was started with this process, unless that came after one that ended. In a cluster
   * leases lapse also when every queue-manager is away for long, and workers still hold what they were given.
   */
  #startsAll(): boolean {
    const { config, endedInstances = [] } = this.#options.context;
    return this.#shards.length > 0 && hasOwnServer(config) && endedInstances.length === 0;
  }

  /** The next owner is told, one that has the fewest; should none take it, they find it free. */
  async #handOver(seat: ShardSeat, reason: string, manner: Leaving): Promise<void> {
    const { members, workers, context } = this.#options;
    await seat.leave(reason, manner);
    for (const instance of members.successors()) {
      members.gave(instance);
      const known = workers.toTell();
      try {
        const { result } = await context.bus.ref(keeperProtocol, instance).ask('take', {
          shard: seat.shard,
          leaving: this.#ended,
          ...(known === undefined ? {} : { workers: known }),
        });
        if (result === 'taken') return;
      } catch (fault) {
        context.log.debug({ shard: seat.shard, instance, fault: String(fault) }, 'does not take the shard');
      }
    }
  }

  #seenFree(shard: string, now: number): number {
    const since = this.#freeSince.get(shard) ?? now;
    this.#freeSince.set(shard, since);
    return since;
  }

  /** Shards that nobody holds, or only one who is gone. */
  async #free(leases: ReadonlyMap<string, LeaseRecord>): Promise<readonly string[]> {
    const others = this.#shards.filter((shard) => !this.#seats.has(shard));
    const free = await Promise.all(others.map((shard) => this.#isFree(shard, leases.get(shard)?.owner)));
    this.#holders = new Map(
      others.flatMap((shard, at) => {
        const owner = leases.get(shard)?.owner;
        return free[at] === true || owner === undefined ? [] : [[shard, owner]];
      }),
    );
    return others.filter((_, at) => free[at] === true);
  }

  async #isFree(shard: string, holder: string | undefined): Promise<boolean> {
    const { context, members } = this.#options;
    // A lapsed lease whose owner still answers is resumed by that owner.
    if (holder === undefined)
      return this.#silent.has(this.#lastHolders.get(shard) ?? '') || (await this.#who(shard)) !== 'somebody';
    this.#lastHolders.set(shard, holder);
    if ((await this.#who(shard)) !== 'nobody') return false;
    await new Promise<void>((resolve) => context.clock.after(askedAgainAfter, resolve));
    if ((await this.#who(shard)) !== 'nobody') return false;
    const now = (await context.spool.leases().list()).get(shard)?.owner;
    if (now !== holder) return now === undefined;
    context.log.info({ shard, holder }, 'the holder of the lease is gone');
    members.forget(holder);
    await context.spool.leases().revoke(shard);
    return true;
  }

  async #who(shard: string): Promise<'somebody' | 'nobody' | 'no answer'> {
    try {
      await this.#options.context.bus.ref(shardProtocol, shard).ask('who', {}, { deadline: answersWithin });
      return 'somebody';
    } catch (fault) {
      return fault instanceof NobodyAnswers ? 'nobody' : 'no answer';
    }
  }

  #leftToOthers(shard: string): boolean {
    return (this.#leftToNewer.get(shard) ?? 0) > this.#options.context.clock.monotonic();
  }

  async #take(shard: string): Promise<void> {
    if (this.#ended || this.#seats.has(shard) || this.#taking.has(shard)) return;
    this.#taking.add(shard);
    try {
      await this.#takeLease(shard);
    } finally {
      this.#taking.delete(shard);
    }
  }

  async #takeLease(shard: string): Promise<void> {
    const { context, common, workers } = this.#options;
    const takenAt = context.clock.monotonic();
    const lease = await context.spool.leases().take(shard, context.bus.instance);
    if (lease === undefined) return;
    const seat = new ShardSeat({
      context,
      shard,
      lease,
      takenAt,
      common: {
        ...common,
        workers,
        systemStarts: this.#systemStarts === true,
        shards: () => this.#shards,
      },
      left: (gone) => {
        if (this.#seats.get(shard) === gone) this.#seats.delete(shard);
        if (gone.newerFormat) this.#leftToNewer.set(shard, context.clock.monotonic() + newerFormatLeft);
      },
    });
    this.#seats.set(shard, seat);
    this.#freeSince.delete(shard);
    this.#lastHolders.delete(shard);
    void seat.open();
  }
}
