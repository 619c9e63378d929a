/**
 * One shard that this instance holds the lease of: hosts the actor, takes the logs over, renews the lease, and lets
 * go. Dispatch is trusted only for so long after the last renewal was *sent* (DESIGN §4).
 */
import type { Timer } from '@postrider/actor';
import type { Hosted } from '@postrider/bus';
import { shard as shardProtocol, times } from '@postrider/protocol';
import type { ServiceContext } from '@postrider/runtime';
import { NewerFormat, type Lease, type ShardOwner } from '@postrider/spool';
import { Announcer } from '../events.js';
import { shardBehaviour } from '../shard/behaviour.js';
import type { ShardEnvironment } from '../shard/environment.js';
import { ShardQueue } from '../shard/shard-queue.js';

export interface SeatOptions {
  readonly context: ServiceContext;
  readonly shard: string;
  readonly lease: Lease;
  /** Monotonic milliseconds, when the lease was asked for. */
  readonly takenAt: number;
  /** What the queue is given besides what the seat knows itself. */
  readonly common: Pick<
    ShardEnvironment,
    'router' | 'settings' | 'shards' | 'systemStarts' | 'workers' | 'soon'
  >;
  /** It has let go. */
  readonly left: (seat: ShardSeat) => void;
}

/** How a shard is left in order; by default it is another's already. */
export interface Leaving {
  /** Milliseconds for results of what is in flight. */
  readonly within?: number;
  /** Another instance waits for it. */
  readonly handsOver?: boolean;
}

export class ShardSeat {
  readonly shard: string;
  readonly owner: string;
  queue: ShardQueue | undefined;
  leaving: Promise<void> | undefined;
  /** Its logs were written by a newer version: another instance has to own it. */
  newerFormat = false;
  readonly #options: SeatOptions;
  readonly #announcer: Announcer;
  #hosted: Hosted | undefined;
  #log: ShardOwner | undefined;
  #renewal: Timer | undefined;
  #renewedAt: number;

  constructor(options: SeatOptions) {
    const { context, shard, takenAt } = options;
    this.#options = options;
    this.shard = shard;
    this.owner = context.bus.instance;
    this.#renewedAt = takenAt;
    this.#announcer = new Announcer(context.bus);
  }

  /** First the actor, so that challengers hear from us; then the logs. */
  async open(): Promise<void> {
    const { context, common } = this.#options;
    const { bus, spool, clock, log } = context;
    this.#renewLater();
    try {
      this.#hosted = await bus.host(shardProtocol, shardBehaviour(this), { key: this.shard, mailbox: 8192 });
      const started = clock.monotonic();
      const owner = await spool.own(this.shard, {
        owner: this.owner,
        lost: (reason, cause) => {
          if (cause === 'newer-format') this.newerFormat = true;
          void this.leave(reason);
        },
        quarantined: (record) => {
          const look = `postrider queue quarantine show ${this.shard}/${record.key}`;
          log.error({ shard: this.shard, ...record, look }, 'record set aside in QUARANTINE');
          this.#announcer.quarantined({ shard: this.shard, ...record });
        },
        fault: (text, id) =>
          log.error({ shard: this.shard, ...(id === undefined ? {} : { mail: id }) }, text),
      });
      this.#log = owner;
      if (this.leaving !== undefined) {
        await owner.close();
        return;
      }
      const environment = {
        ...common,
        shard: this.shard,
        bus,
        spool,
        owner,
        clock,
        log: log.child({ shard: this.shard }),
      };
      const renewedWithin = (time: number) => (): boolean => clock.monotonic() - this.#renewedAt < time;
      const [trusted, notesBeats] = [renewedWithin(times.leaseTrusted), renewedWithin(times.beatNoted)];
      const queue = new ShardQueue({ ...environment, trusted, notesBeats }, (fault) => this.#failed(fault));
      const deferred = owner.deferred.length;
      await queue.start();
      if (this.#isLeaving()) {
        queue.end();
        return;
      }
      this.queue = queue;
      this.#tellTaken(owner, { deferred, ms: Math.round(clock.monotonic() - started) });
    } catch (fault) {
      this.#failed(fault);
    }
  }

  leave(reason: string, manner: Leaving = {}): Promise<void> {
    this.leaving ??= this.#leave(reason, manner);
    return this.leaving;
  }

  async #leave(reason: string, { within = 0, handsOver = false }: Leaving): Promise<void> {
    const { context, lease, left } = this.#options;
    context.log.info({ shard: this.shard, reason }, 'shard let go');
    const ignore = (fault: unknown): void =>
      context.log.debug({ shard: this.shard, fault: String(fault) }, 'while letting go');
    if (within > 0) await this.queue?.drain(within).catch(ignore);
    this.queue?.end();
    this.#renewal?.cancel();
    await this.#log?.close({ truncates: !handsOver }).catch(ignore);
    this.#announcer.letGo({ shard: this.shard, epoch: this.#log?.epoch ?? 0, reason });
    await this.#hosted?.stop().catch(ignore);
    await lease.release().catch(ignore);
    left(this);
  }

  #renewLater(): void {
    this.#renewal = this.#options.context.clock.after(times.leaseRenewed, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    const { clock, log } = this.#options.context;
    const sent = clock.monotonic();
    try {
      if (await this.#options.lease.renew()) this.#renewedAt = sent;
      else return void this.leave('another instance has the lease');
    } catch (fault) {
      log.debug({ shard: this.shard, fault: String(fault) }, 'lease not renewed');
    }
    if (this.leaving === undefined) this.#renewLater();
  }

  #failed(fault: unknown): void {
    if (fault instanceof NewerFormat) this.newerFormat = true;
    this.#options.context.log.error({ shard: this.shard, fault: String(fault) }, 'shard failed');
    void this.leave(`fault: ${String(fault)}`);
  }

  /** It began to let go meanwhile. */
  #isLeaving(): boolean {
    return this.leaving !== undefined;
  }

  #tellTaken(owner: ShardOwner, took: { readonly deferred: number; readonly ms: number }): void {
    const mails = owner.figures()['liveMails'] ?? 0;
    const facts = { shard: this.shard, epoch: owner.epoch, mails, ...took };
    this.#options.context.log.info(facts, 'shard taken');
    this.#announcer.taken(facts);
  }
}
