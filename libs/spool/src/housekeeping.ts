/** What an owner does beside mail, every few seconds: truncates, cleans, purges, and finds what pins too much. */
import type { Timer } from '@postrider/actor';
import type { MailId } from '@postrider/mail';
import { cleanDefer } from './cleaning.js';
import { heldBackBy } from './hold-back.js';
import { largeContentSweep } from './large-content-sweep.js';
import { softLimit } from './names.js';
import type { OwnedShard } from './owned-shard.js';

/** A truncation writes the stream's index anew, so it is not done for each mail; nor may the log wait for it long. */
const keptEvery = 5_000;
/** A mail that pins SPOOL for longer goes to DEFER (DESIGN §3) ... */
const pinsAtMost = 300_000;
/** ... as does one behind which more than this share of SPOOL's room stands. */
const pinnedShare = 0.1;
const movedAtOnce = 2_000;

export class Housekeeping {
  onPinned: (ids: readonly MailId[]) => void = () => undefined;
  readonly #shard: OwnedShard;
  readonly #sweep: () => Promise<void>;
  #timer: Timer | undefined;
  #cancelled = false;
  #running: Promise<void> = Promise.resolve();

  constructor(shard: OwnedShard) {
    this.#shard = shard;
    this.#sweep = largeContentSweep(shard);
  }

  start(): void {
    this.#timer = this.#shard.clock.after(keptEvery, () => {
      this.#running = this.#run().then(() => {
        if (!this.#cancelled) this.start();
      });
    });
  }

  /** One last truncation. */
  async finish(): Promise<void> {
    await this.#running;
    await truncate(this.#shard);
  }

  cancel(): void {
    this.#cancelled = true;
    this.#timer?.cancel();
  }

  async #run(): Promise<void> {
    const shard = this.#shard;
    try {
      await shard.outcomes.verify();
      await truncate(shard);
      if (!shard.heldBackBy && (await cleanDefer(shard, () => this.#cancelled))) await truncate(shard);
      if (!shard.heldBackBy) await this.#sweep();
      const ids = this.#cancelled ? [] : pinningTooMuch(shard);
      if (ids.length > 0) this.onPinned(ids);
    } catch (error) {
      await this.#report(error);
    }
  }

  async #report(error: unknown): Promise<void> {
    // What an owner of yesterday misses, another has taken away with right.
    await this.#shard.outcomes.verify().catch(() => undefined);
    if (!this.#cancelled)
      this.#shard.fault(`housekeeping: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/**
 * Up to the oldest message that this owner has read and that still has live mail; never past its own last record, on
 * which the fence stands, nor past contents that a newer owner may have written. Purges carry no fence: these marks are
 * why those of an owner of yesterday do no harm. While a backup holds the shard back nothing is removed.
 */
export async function truncate(shard: OwnedShard): Promise<void> {
  const { log, streams, state, segments, contents, outcomes, deferState, used } = shard;
  const [spool, defer, deferContent] = await Promise.all([
    log.state(streams.spool),
    log.state(streams.defer),
    log.state(streams.deferContent),
  ]);
  const marks: readonly (readonly [stream: string, first: number, before: number])[] = [
    [streams.spool, spool.firstSequence, Math.min(state.pins.spool.oldest(), segments.next, outcomes.last)],
    [streams.defer, defer.firstSequence, Math.min(state.pins.defer.oldest(), deferState.last)],
    [
      streams.deferContent,
      deferContent.firstSequence,
      Math.min(state.pins.deferContent.oldest(), contents.surelyOlder + 1),
    ],
  ];
  shard.heldBackBy = await heldBackBy(log, shard.shard);
  for (const [stream, first, before] of marks)
    if (before > first && !shard.heldBackBy) await log.truncate(stream, before);
  used.spool = spool.octets;
  used.spoolMax = spool.maxOctets;
  used.spoolMessages = spool.messages;
  used.spoolFirst = spool.firstSequence;
  used.defer = defer.octets;
  used.deferContent = deferContent.octets;
  used.content = (await log.state(streams.content)).octets;
  shard.deferFull = [defer, deferContent].some(
    ({ octets, maxOctets }) => maxOctets > 0 && octets > maxOctets * softLimit,
  );
}

/** Mails in SPOOL that are old, or have much of the log behind them. Not while DEFER has no room for them. */
function pinningTooMuch({ clock, state, segments, used, deferFull }: OwnedShard): readonly MailId[] {
  if (deferFull) return [];
  const now = clock.monotonic();
  const perMessage = used.spoolMessages > 0 ? used.spool / used.spoolMessages : 0;
  const allowed = used.spoolMax > 0 ? used.spoolMax * pinnedShare : Infinity;
  const ids: MailId[] = [];
  // What stands in columns is in DEFER.
  for (const [id, { place, since, pin }] of state.live.others()) {
    if (place !== 'spool') continue;
    if (now - since > pinsAtMost || (segments.next - pin) * perMessage > allowed) ids.push(id);
    if (ids.length >= movedAtOnce) break;
  }
  return ids;
}
