/**
 * The owner's side of a site: how many channels each asking shard may have, so that all shards together stay at or
 * below the site's limit. In memory; a new owner first learns what is held and granted, of all shards (DESIGN §5).
 */
import type { Clock } from '@postrider/actor';
import { times, type SiteLimitState } from '@postrider/protocol';
import type { Claim as ToldClaim } from '../shard/inquiry.js';

export interface GrantRequest {
  readonly site: string;
  readonly shard: string;
  readonly epoch: number;
  readonly holding: number;
  readonly want: number;
}

/** `duration` counts from when the asker sent its question. */
export interface GrantAnswer {
  readonly channels: number;
  readonly duration: number;
  /** More than an even share of the shards: asked for again soon, since others may come. */
  readonly ample?: true;
}

interface Holder {
  readonly epoch: number;
  readonly granted: number;
  readonly holding: number;
  readonly want: number;
  /** Monotonic milliseconds. */
  readonly until: number;
  /** Since when it has had a grant without a break. */
  readonly since: number;
}

export interface SiteLimitOptions {
  readonly clock: Clock;
  readonly limit: () => number;
  /** How many may ask. */
  readonly shards: () => number;
  /** Milliseconds from now until every shard that holds channels has asked, also if it can't be asked itself. */
  readonly learning: number;
}

/** Less than the asker waits for its answer. */
const waitsForLearning = times.ask / 2;
/** What a shard without an owner was granted counts for so long: nobody else can tell what workers hold of it. */
const keptWithoutOwner = 30_000;
/** After it has learnt: whoever asks first would else have all channels, and keep them until its grant is renewed. */
const evenFor = 2_000;
/** With more askers than channels each has its turn. */
const turn = 2 * times.grant;

export class SiteLimit {
  readonly #options: SiteLimitOptions;
  readonly #sites = new Map<string, Map<string, Holder>>();
  readonly #learnt: Promise<void>;
  #learning: boolean;
  #ended = false;
  /** Monotonic milliseconds until when nobody gets more than an even share. */
  #evenUntil = -Infinity;
  #end: () => void = () => undefined;

  constructor({ clock, learning, ...options }: SiteLimitOptions) {
    this.#options = { clock, learning, ...options };
    this.#learning = learning > 0;
    this.#learnt = new Promise((resolve) => (this.#end = resolve));
    if (this.#learning) clock.after(learning, () => this.learnt());
  }

  /**
   * As `ask`, once more than what is held already can be granted, or after a second. Undefined: the shard is let go, and
   * its next owner answers.
   */
  async asked(request: GrantRequest): Promise<GrantAnswer | undefined> {
    if (this.#learning)
      await Promise.race([
        this.#learnt,
        new Promise<void>((resolve) => this.#options.clock.after(waitsForLearning, resolve)),
      ]);
    return this.#ended ? undefined : this.ask(request);
  }

  /** What a shard was granted by the owner before, and holds. */
  claimed(shard: string, epoch: number, claims: readonly ToldClaim[]): void {
    const now = this.#options.clock.monotonic();
    for (const { site, granted, holding } of claims) {
      const holders = this.#holdersOf(site, now);
      const before = holders.get(shard);
      if (before !== undefined && before.epoch > epoch) continue;
      const claim = { epoch, granted, holding, want: granted, until: now + times.grant, since: now };
      // It has asked meanwhile: should it not have heard the answer, it goes by the larger one.
      if (before?.epoch !== epoch) holders.set(shard, claim);
      else holders.set(shard, { ...before, granted: Math.max(granted, before.granted) });
    }
    this.#dropUnclaimed(shard, epoch, new Set(claims.map(({ site }) => site)));
  }

  /** Shards whose grants have run out and that did not ask again: they, or their next owners, have to be asked. */
  lapsed(): ReadonlySet<string> {
    const now = this.#options.clock.monotonic();
    const all = [...this.#sites.values()].flatMap((holders) => [...holders]);
    return new Set(all.flatMap(([shard, { until }]) => (until <= now ? [shard] : [])));
  }

  /** Every shard has said what it was granted. */
  learnt(): void {
    if (this.#learning) this.#evenUntil = this.#options.clock.monotonic() + evenFor;
    this.#learning = false;
    this.#end();
  }

  /** Nobody waits here any more: a hand-over would wait for them. */
  end(): void {
    this.#ended = true;
    this.#end();
  }

  ask(request: GrantRequest): GrantAnswer {
    const now = this.#options.clock.monotonic();
    const holders = this.#holdersOf(request.site, now);
    const before = holders.get(request.shard);
    if (before !== undefined && before.epoch > request.epoch) return { channels: 0, duration: 0 };
    holders.delete(request.shard);
    const since = before !== undefined && before.granted > 0 ? before.since : now;
    const others = [...holders.values()];
    const limit = this.#options.limit();
    const even = Math.max(1, Math.floor(limit / this.#options.shards()));
    const channels = shareOf(request, others, {
      limit,
      learning: this.#learning,
      atMost: now < this.#evenUntil ? even : limit,
      turnOver: now - since > turn,
    });
    if (request.holding > 0 || request.want > 0) {
      const { epoch, holding, want } = request;
      holders.set(request.shard, {
        epoch,
        granted: channels,
        holding,
        want,
        until: now + times.grant,
        since,
      });
    }
    if (holders.size === 0) this.#sites.delete(request.site);
    return { channels, duration: times.grant, ...(channels > even ? { ample: true } : {}) };
  }

  get sites(): number {
    return this.#sites.size;
  }

  /** Every site of which a shard holds channels, or may. */
  states(): readonly SiteLimitState[] {
    const now = this.#options.clock.monotonic();
    const limit = this.#options.limit();
    return [...this.#sites].flatMap(([site, all]) => {
      const holders = [...all.values()].filter(({ until }) => until + keptWithoutOwner > now);
      if (holders.length === 0) return [];
      const sum = (of: (holder: Holder) => number): number => holders.reduce((n, one) => n + of(one), 0);
      return [{ site, limit, granted: sum((one) => one.granted), holding: sum((one) => one.holding) }];
    });
  }

  #dropUnclaimed(shard: string, epoch: number, claimed: ReadonlySet<string>): void {
    const now = this.#options.clock.monotonic();
    for (const [site, holders] of this.#sites) {
      const holder = holders.get(shard);
      if (holder === undefined || claimed.has(site) || holder.until > now || holder.epoch > epoch) continue;
      holders.delete(shard);
      if (holders.size === 0) this.#sites.delete(site);
    }
  }

  /** One that lives asks again while it holds channels, or is asked. */
  #holdersOf(site: string, now: number): Map<string, Holder> {
    const holders = this.#sites.get(site) ?? new Map<string, Holder>();
    this.#sites.set(site, holders);
    for (const [shard, holder] of holders) {
      if (holder.until + keptWithoutOwner <= now) holders.delete(shard);
      else if (holder.until <= now) holders.set(shard, { ...holder, want: 0 });
    }
    return holders;
  }
}

interface ShareRules {
  readonly limit: number;
  /** A new owner: only what is held already is granted. */
  readonly learning: boolean;
  /** For one asker, unless it holds more. */
  readonly atMost: number;
  /** The asker has had its channels for long. */
  readonly turnOver: boolean;
}

type Claim = Pick<Holder, 'granted' | 'holding' | 'want'>;

/** Pure. What others were granted, or still hold, is never given twice. */
export function shareOf(
  { holding, want }: Pick<GrantRequest, 'holding' | 'want'>,
  others: readonly Claim[],
  { limit, learning, atMost, turnOver }: ShareRules,
): number {
  const free = Math.max(
    0,
    limit - others.reduce((sum, other) => sum + Math.max(other.granted, other.holding), 0),
  );
  if (learning) return Math.min(holding, free);
  const claimants = others.filter((other) => other.want > 0).length + 1;
  const unmet = others.some((other) => other.want > other.granted);
  const most = Math.min(want, free, Math.max(holding, atMost));
  if (!unmet) return most;
  const fair = Math.floor(limit / claimants);
  return Math.min(most, fair > 0 ? fair : turnOver ? 0 : 1);
}
