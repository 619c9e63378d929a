/**
 * Holds a shard's owner back from truncating, cleaning and purging, for as long as a backup reads its streams. The record
 * stands in the lease bucket and lapses as a lease does: a backup that was killed holds nothing back for longer than that.
 */
import type { Clock, Timer } from '@postrider/actor';
import { times } from '@postrider/protocol';
import type { Log } from './log.js';

const keyOf = (shard: string): string => `backup.${shard}`;

/** @returns revision of the record that holds back, 0 when there is none; @throws when that can't be known */
export async function heldBackBy(log: Log, shard: string): Promise<number> {
  return (await log.register.get(keyOf(shard)))?.revision ?? 0;
}

export class HeldBackByAnother extends Error {}

export class HoldBack {
  /** An owner that has seen this revision, or a later one, removes nothing. */
  readonly since: number;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #key: string;
  readonly #value: Uint8Array;
  #revision: number;
  #writtenAt: number;
  #timer: Timer | undefined;
  #lapsed = false;

  private constructor(
    { log, clock, shard }: HoldBackOptions,
    written: { readonly revision: number; readonly at: number; readonly value: Uint8Array },
  ) {
    [this.#log, this.#clock, this.#key] = [log, clock, keyOf(shard)];
    [this.since, this.#revision, this.#writtenAt] = [written.revision, written.revision, written.at];
    this.#value = written.value;
    this.#renewLater();
  }

  /** @throws HeldBackByAnother, and when the log can't be reached */
  static async take(options: HoldBackOptions): Promise<HoldBack> {
    const { log, clock, shard, by } = options;
    const value = Buffer.from(JSON.stringify({ by }));
    const at = clock.monotonic();
    const revision = await log.register.create(keyOf(shard), value);
    if (revision === undefined)
      throw new HeldBackByAnother(
        `shard ${shard} is being backed up by another: what that one holds lapses ${times.leaseTtl / 1000} s after its end`,
      );
    return new HoldBack(options, { revision, at, value });
  }

  /** False once it may have lapsed: what was read meanwhile is worth nothing. */
  get holds(): boolean {
    return !this.#lapsed && this.#clock.monotonic() - this.#writtenAt < times.leaseTrusted;
  }

  async release(): Promise<void> {
    this.#lapsed = true;
    this.#timer?.cancel();
    await this.#log.register.delete(this.#key);
  }

  #renewLater(): void {
    this.#timer = this.#clock.after(times.leaseRenewed, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    const at = this.#clock.monotonic();
    try {
      const revision = await this.#log.register.update(this.#key, this.#value, this.#revision);
      if (revision === undefined) this.#lapsed = true;
      else [this.#revision, this.#writtenAt] = [revision, at];
    } catch {
      // It is tried again; `holds` tells when that was not in time.
    }
    if (!this.#lapsed) this.#renewLater();
  }
}

export interface HoldBackOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly shard: string;
  /** For those who find the record. */
  readonly by: string;
}
