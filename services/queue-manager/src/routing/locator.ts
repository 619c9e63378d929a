/**
 * Asks dns-resolver: one question at a time for one name, however many mails wait for it, and the answer is kept for
 * its ttl. Temporary answers are not kept: the resolver has its own cache for them (RFC 2308 §7.1).
 */
import type { Clock } from '@postrider/actor';
import type { Bus, Ref } from '@postrider/bus';
import { dnsResolver, type LocateAnswer } from '@postrider/protocol';
import { Turnstile } from '../turnstile.js';
import { BoundedMap } from '../bounded-map.js';
import type { Question } from './placement.js';

/** Questions under way at once: a dead nameserver must not leave one for each waiting mail. */
const questionsAtOnce = 256;
/** Names remembered. */
const remembered = 20_000;
/** A ttl of 0 still serves the mails that came together. */
const shortestTtl = 1_000;
/**
 * Nobody answers: dns-resolver or NATS is started again, which takes seconds. The mail is not to wait for
 * `queue.retry.first` because of it. Milliseconds.
 */
const askedAgainFor = 30_000;
const askedAgainAfter = 500;
/**
 * Longer than most nameservers take. The instance that was asked may have died, which nobody tells; one that lives has
 * the question under way and answers both.
 */
const askedBesideAfter = 5_000;

export class Locator {
  readonly #resolver: Ref<(typeof dnsResolver)['messages']>;
  readonly #clock: Clock;
  readonly #known = new BoundedMap<string, { readonly answer: LocateAnswer; readonly until: number }>(
    remembered,
  );
  readonly #asked = new Map<string, Promise<LocateAnswer>>();
  readonly #turnstile = new Turnstile(questionsAtOnce);

  constructor(bus: Bus, clock: Clock) {
    this.#resolver = bus.ref(dnsResolver);
    this.#clock = clock;
  }

  /** Never rejects: what goes wrong is a temporary answer. */
  ask(question: Question): Promise<LocateAnswer> {
    const key = question.ask === 'locate' ? `@${question.domain}` : question.host;
    const known = this.#known.get(key);
    if (known !== undefined && known.until > this.#clock.monotonic()) return Promise.resolve(known.answer);
    return this.#asked.get(key) ?? this.#start(key, question);
  }

  #start(key: string, question: Question): Promise<LocateAnswer> {
    const asking = this.#turnstile
      .pass(() => this.#ask(question))
      .then((answer) => {
        this.#asked.delete(key);
        if (answer.result !== 'temporary') {
          const until = this.#clock.monotonic() + Math.max(answer.ttl, shortestTtl);
          this.#known.set(key, { answer, until });
        }
        return answer;
      });
    this.#asked.set(key, asking);
    return asking;
  }

  async #ask(question: Question): Promise<LocateAnswer> {
    const until = this.#clock.monotonic() + askedAgainFor;
    for (;;) {
      try {
        return await this.#askBeside(question);
      } catch (fault) {
        const text = fault instanceof Error ? fault.message : String(fault);
        if (this.#clock.monotonic() >= until) return { result: 'temporary', text: `dns-resolver: ${text}` };
      }
      await new Promise<void>((resolve) => this.#clock.after(askedAgainAfter, resolve));
    }
  }

  /** The first of two answers. @throws when nobody answers */
  #askBeside(question: Question): Promise<LocateAnswer> {
    return new Promise((resolve, reject) => {
      const beside = this.#clock.after(
        askedBesideAfter,
        () => void this.#send(question).then(resolve, reject),
      );
      void this.#send(question)
        .then(resolve, reject)
        .finally(() => beside.cancel());
    });
  }

  #send(question: Question): Promise<LocateAnswer> {
    return question.ask === 'locate'
      ? this.#resolver.ask('locate', { domain: question.domain })
      : this.#resolver.ask('resolve', { host: question.host });
  }
}
