/**
 * Keeps this instance's share of the shards: takes free leases, hands over what is above its share, one at a time. A
 * holder that is provably gone - NATS says that nobody serves its shard, twice - does not cost its lease's whole time
 * to live: the fence is the safety, the lease is politeness (DESIGN §4).
 */
import type { Timer } from '@postrider/actor';
import { NobodyAnswers } from '@postrider/bus';
import { shard as shardProtocol, times, type ShardOwnership } from '@postrider/protocol';
import type { ServiceContext } from '@postrider/runtime';
import type { LeaseRecord } from '@postrider/spool';
import type { ShardEnvironment } from '../shard/environment.js';
import type { Members } from './members.js';
import { takenByAnyoneAfter, toHandOver, toTake } from './share.js';
import { ShardSeat } from './shard-seat.js';

export interface KeeperOptions {
  readonly context: ServiceContext;
  readonly members: Members;
  readonly common: Pick<ShardEnvironment, 'router' | 'settings' | 'soon'>;
}

/** While there are no shards yet, ingress is about to make them. */
const noShardsPause = 250;
/** Between the two questions that prove a holder gone: it may have taken the lease an instant ago. */
const askedAgainAfter = 300;
/** Left to instances of a newer version for so long, should there be any. */
const newerFormatLeft = 60_000;
/** A shard that nobody else would take is not handed over for so long: an update is over by then, or it is tried again. */
const untakenStays = 300_000;
/** For the results of what is in flight when a shard is handed over. */
const handOverWithin = 5_000;

export class Keeper {
  readonly #options: KeeperOptions;
  readonly #seats = new Map<string, ShardSeat>();
  /** Monotonic milliseconds since when a shard was seen without a holder. */
  readonly #freeSince = new Map<string, number>();
  /** Free shards whose owner did not let go of them. */
  readonly #gone = new Set<string>();
  /** Monotonic milliseconds until when a shard is left to others, whose format is not known here. */
  readonly #leftToNewer = new Map<string, number>();
  /** Monotonic milliseconds until when a shard stays, since nobody else has taken it when it was free. */
  readonly #untaken = new Map<string, number>();
  #shards: readonly string[] = [];
  #holders = new Map<string, string>();
  /** No shard had an owner when this instance looked first. */
  #systemStarts: boolean | undefined;
  #timer: Timer | undefined;
  #ended = false;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  get seats(): readonly ShardSeat[] {
    return [...this.#seats.values()];
  }

  ownerships(): readonly ShardOwnership[] {
    return this.#shards.map((shard) => {
      const owner = this.#seats.has(shard) ? this.#options.context.bus.instance : this.#holders.get(shard);
      return owner === undefined ? { shard } : { shard, owner };
    });
  }

  /** The first round, and then one every `leaseRenewed`. */
  async start(): Promise<void> {
    await this.#roundSafely();
    this.#again();
  }

  async end(within: number): Promise<void> {
    this.#ended = true;
    this.#timer?.cancel();
    await Promise.all(this.seats.map((seat) => seat.leave('shutting down', within)));
  }

  #again(): void {
    if (this.#ended) return;
    const pause = this.#shards.length === 0 ? noShardsPause : times.leaseRenewed;
    this.#timer = this.#options.context.clock.after(
      pause,
      () => void this.#roundSafely().then(() => this.#again()),
    );
  }

  async #roundSafely(): Promise<void> {
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
    this.#systemStarts = this.#systemStarts === undefined && leases.size === 0 && this.#shards.length > 0;
    const free = await this.#free(leases);
    const now = clock.monotonic();
    for (const shard of this.#freeSince.keys()) if (!free.includes(shard)) this.#freeSince.delete(shard);
    const readable = free.filter((shard) => (this.#leftToNewer.get(shard) ?? 0) <= now);
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
    const handedOver = toHandOver({ ...claims, stays });
    const underWay = this.seats.some(({ leaving }) => leaving !== undefined);
    if (handedOver !== undefined && !underWay)
      void this.#seats.get(handedOver)?.leave('handed over', handOverWithin);
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
    const first = await this.#who(shard);
    // A lapsed lease whose owner still answers is resumed by that owner.
    if (holder === undefined) {
      // Its subject is served, but nobody answers: an owner that stands still, or is cut off.
      if (first === 'no answer') this.#gone.add(shard);
      return first !== 'somebody';
    }
    if (first !== 'nobody') return false;
    await new Promise<void>((resolve) => context.clock.after(askedAgainAfter, resolve));
    if ((await this.#who(shard)) !== 'nobody') return false;
    const now = (await context.spool.leases().list()).get(shard)?.owner;
    if (now !== holder) return now === undefined;
    context.log.info({ shard, holder }, 'the holder of the lease is gone');
    members.forget(holder);
    await context.spool.leases().revoke(shard);
    this.#gone.add(shard);
    return true;
  }

  async #who(shard: string): Promise<'somebody' | 'nobody' | 'no answer'> {
    try {
      await this.#options.context.bus.ref(shardProtocol, shard).ask('who', {});
      return 'somebody';
    } catch (fault) {
      return fault instanceof NobodyAnswers ? 'nobody' : 'no answer';
    }
  }

  async #take(shard: string): Promise<void> {
    if (this.#ended) return;
    const { context, common } = this.#options;
    const before = this.#systemStarts === true ? 'none' : this.#gone.has(shard) ? 'gone' : 'left';
    const takenAt = context.clock.monotonic();
    const lease = await context.spool.leases().take(shard, context.bus.instance);
    if (lease === undefined) return;
    const seat = new ShardSeat({
      context,
      shard,
      lease,
      takenAt,
      common: { ...common, before, shards: () => this.#shards, alone: () => this.#holders.size === 0 },
      left: (gone) => {
        if (this.#seats.get(shard) === gone) this.#seats.delete(shard);
        if (gone.newerFormat) this.#leftToNewer.set(shard, context.clock.monotonic() + newerFormatLeft);
      },
    });
    this.#seats.set(shard, seat);
    this.#freeSince.delete(shard);
    this.#gone.delete(shard);
    void seat.open();
  }
}
