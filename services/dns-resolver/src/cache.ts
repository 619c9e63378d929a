/**
 * Keeps answers: positive ones for their TTL, negative ones as RFC 2308 says, failures for a moment (RFC 9520), and
 * old answers for when the nameservers are away (RFC 8767). The same question asked again while it is under way
 * waits for the one answer.
 */
import type { Clock, Milliseconds } from '@postrider/actor';
import { LRUCache } from 'lru-cache';
import type { Answer, LookUp, QueryType } from './answer.js';

export interface CacheFigures {
  readonly hits: number;
  readonly misses: number;
  /** Lookups that no nameserver could answer. */
  readonly failures: number;
  /** Answers past their time, given because of that. */
  readonly stale: number;
  readonly entries: number;
}

export interface Cached<T extends QueryType> {
  readonly answer: Answer<T>;
  /** It went to a nameserver. */
  readonly asked: boolean;
}

/** About 300 octets each: 3 MB. */
const entriesKept = 10_000;
const second = 1_000;
const hour = 3_600 * second;
const day = 24 * hour;
/** A TTL of 0 would ask again for each mail of a burst. */
const shortestTtl = second;
/** RFC 8767 §4 would allow a week; a changed MX should be seen within a day, as zones' usual TTLs are. */
const longestTtl = day;
/** RFC 2308 §5: one to three hours work well. */
const longestNegativeTtl = 3 * hour;
/** RFC 9520 §3.2: at least 1 s, at most 5 min. Short, for a mail waits for it, and its retry comes minutes later. */
const failureKept = 5 * second;
/** RFC 8767 §5: one to three days are useful; mail that goes to an old address for longer helps nobody. */
const staleKept = day;
/** RFC 8767 §4: the TTL of a stale answer, and so the time until the nameservers are asked again. */
const staleTtl = 30 * second;

interface Entry {
  readonly answer: Answer<QueryType>;
  readonly freshUntil: Milliseconds;
  /** Only answers with records are worth it. */
  readonly usableUntil: Milliseconds;
}

export class AnswerCache {
  readonly #ask: LookUp;
  readonly #clock: Clock;
  readonly #entries = new LRUCache<string, Entry>({ max: entriesKept });
  readonly #underWay = new Map<string, Promise<Answer<QueryType>>>();
  #generation = 0;
  #figures = { hits: 0, misses: 0, failures: 0, stale: 0 };

  /** @param ask goes to the nameservers */
  constructor(ask: LookUp, clock: Clock) {
    this.#ask = ask;
    this.#clock = clock;
  }

  /** `ttl` of what comes back is what is left of it. */
  async lookUp<T extends QueryType>(name: string, type: T): Promise<Cached<T>> {
    const key = `${type} ${name}`;
    const entry = this.#entries.get(key);
    const now = this.#clock.monotonic();
    if (entry !== undefined && entry.freshUntil > now) {
      this.#figures.hits++;
      return { answer: ofType<T>(withTtl(entry.answer, entry.freshUntil - now)), asked: false };
    }
    this.#figures.misses++;
    return { answer: ofType<T>(await this.#once(key, name, type)), asked: true };
  }

  figures(): CacheFigures {
    return { ...this.#figures, entries: this.#entries.size };
  }

  /** Forgets all: other nameservers may say otherwise. */
  clear(): void {
    this.#generation++;
    this.#entries.clear();
    this.#underWay.clear();
  }

  #once(key: string, name: string, type: QueryType): Promise<Answer<QueryType>> {
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) return underWay;
    const asking = this.#askNow(key, name, type).finally(() => {
      if (this.#underWay.get(key) === asking) this.#underWay.delete(key);
    });
    this.#underWay.set(key, asking);
    return asking;
  }

  async #askNow(key: string, name: string, type: QueryType): Promise<Answer<QueryType>> {
    const generation = this.#generation;
    const answer = await this.#ask(name, type);
    const now = this.#clock.monotonic();
    const old = this.#entries.get(key);
    if (answer.kind === 'temporary') this.#figures.failures++;
    if (answer.kind === 'temporary' && old !== undefined && old.usableUntil > now) {
      this.#figures.stale++;
      return this.#keep(key, generation, { ...old, freshUntil: now + staleTtl }, now);
    }
    const freshUntil = now + keptFor(answer);
    const usableUntil = answer.kind === 'records' ? freshUntil + staleKept : freshUntil;
    return this.#keep(key, generation, { answer, freshUntil, usableUntil }, now);
  }

  #keep(key: string, generation: number, entry: Entry, now: Milliseconds): Answer<QueryType> {
    if (generation === this.#generation) this.#entries.set(key, entry);
    return withTtl(entry.answer, entry.freshUntil - now);
  }
}

function keptFor(answer: Answer<QueryType>): Milliseconds {
  switch (answer.kind) {
    case 'records':
      return Math.min(Math.max(answer.ttl, shortestTtl), longestTtl);
    case 'nodata':
    case 'nxdomain':
      return Math.min(Math.max(answer.ttl, shortestTtl), longestNegativeTtl);
    case 'temporary':
      return failureKept;
  }
}

const withTtl = (answer: Answer<QueryType>, ttl: Milliseconds): Answer<QueryType> =>
  answer.kind === 'temporary' ? answer : { ...answer, ttl };

/** The key names the type, so what stands under it is of that type. */
const ofType = <T extends QueryType>(answer: Answer<QueryType>): Answer<T> => answer as Answer<T>;
