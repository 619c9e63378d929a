/** Where mail for a domain goes, remembered: the way of one mail touches no promise when its domain is known. */
import type { Clock } from '@postrider/actor';
import { decideRoute } from '@postrider/mail';
import type { LocateAnswer } from '@postrider/protocol';
import type { Settings } from '../settings.js';
import { BoundedMap } from '../bounded-map.js';
import type { Locator } from './locator.js';
import { placementOf, questionOf, type LocatedTarget, type Placement } from './placement.js';

/** Domains remembered. */
const remembered = 20_000;
/** What needs no lookup is decided anew after this. */
const longest = 60_000;
/** Answers for nothing but the mails that came together. */
const shortest = 1_000;

export class Router {
  readonly #locator: Locator;
  readonly #clock: Clock;
  #settings: Settings;
  readonly #known = new BoundedMap<string, { readonly placement: Placement; readonly until: number }>(
    remembered,
  );

  constructor(locator: Locator, clock: Clock, settings: Settings) {
    this.#locator = locator;
    this.#clock = clock;
    this.#settings = settings;
  }

  reconfigured(settings: Settings): void {
    this.#settings = settings;
    this.#known.clear();
  }

  /** The placement, if it is known; otherwise `place` finds it. */
  known(domain: string): Placement | undefined {
    const known = this.#known.get(domain);
    return known !== undefined && known.until > this.#clock.monotonic() ? known.placement : undefined;
  }

  async place(domain: string): Promise<Placement> {
    const settings = this.#settings;
    const decision = decideRoute(domain, settings.routing);
    const located = await Promise.all(
      decision.targets.map(async (target): Promise<LocatedTarget> => {
        const question = questionOf(target, domain, settings.hostname);
        return question === undefined ? { target } : { target, answer: await this.#locator.ask(question) };
      }),
    );
    const placement = placementOf(decision, located, settings.hostname);
    if (settings === this.#settings) {
      this.#known.set(domain, { placement, until: this.#clock.monotonic() + keptFor(located, placement) });
    }
    return placement;
  }
}

function keptFor(located: readonly LocatedTarget[], placement: Placement): number {
  if (placement.kind === 'temporary') return shortest;
  const ttls = located.map(({ answer }) => ttlOf(answer));
  return Math.max(shortest, Math.min(longest, ...ttls));
}

function ttlOf(answer: LocateAnswer | undefined): number {
  if (answer === undefined) return longest;
  return answer.result === 'temporary' ? shortest : answer.ttl;
}
