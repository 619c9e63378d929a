/**
 * How many clients may send content at once. Before its 354 (or the reply to its first BDAT) a mail gets a place, for as
 * much memory as mails have needed of late; who finds none waits in line, and hears 452 when it takes too long: RFC 5321
 * §4.5.3.2.4 gives the reply to DATA two minutes. What no client has sent yet costs no memory.
 */
import type { Clock, Timer } from '@postrider/actor';
import { reply } from '@postrider/smtp';
import type { Step } from '../verbs/verb.js';

/** As much as contents that are held may take (content-budget.ts), octets. */
const placesInOctets = 64 * 1024 * 1024;
/** A place is for no less and no more: over the latter content streams to the spool. */
const placeAtLeast = 4 * 1024;
const placeAtMost = 256 * 1024;
/** Of the average, what one more mail counts. */
const weight = 1 / 64;
const waitsAtMost = 60_000;
/** While others wait: a client that sends nothing for so long has its place no more. */
const silentAtMost = 5_000;
const lookedAtEvery = 250;

/** The place of one mail's content. */
export interface Place {
  /** Octets have come. */
  heard(): void;
  /** Nothing will come now: the client waits for us. */
  holdsUp(): void;
  /** It is stored, refused or given up; more than once does nothing. */
  leave(contentInOctets: number): void;
}

/** For content that is refused from its beginning. */
export const noPlace: Place = { heard: () => undefined, holdsUp: () => undefined, leave: () => undefined };

interface Taken {
  readonly octets: number;
  /** Monotonic milliseconds; Infinity while the client waits for us. */
  heardAt: number;
}
interface Waiting {
  readonly since: number;
  readonly resolve: (place: Place | undefined) => void;
}

export class Admission {
  readonly #clock: Clock;
  readonly #places: number;
  readonly #taken = new Set<Taken>();
  #waiting: Waiting[] = [];
  #used = 0;
  /** Until there is experience, all may be large. */
  #average = placeAtMost;
  #timer: Timer | undefined;

  /** @param placesInOctets together */
  constructor(clock: Clock, places = placesInOctets) {
    [this.#clock, this.#places] = [clock, places];
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** @returns undefined, later, for who has waited in vain */
  enter(): Place | Promise<Place | undefined> {
    if (this.#waiting.length === 0 && this.#hasRoom()) return this.#take();
    return new Promise((resolve) => {
      this.#waiting.push({ since: this.#clock.monotonic(), resolve });
      if (!this.#timer) this.#begin();
    });
  }

  /** Those who wait hear so now: the process ends. */
  refuseWaiting(): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve(undefined);
  }

  #hasRoom(): boolean {
    return this.#used + this.#placeInOctets() <= this.#places || this.#taken.size === 0;
  }

  #placeInOctets(): number {
    return Math.round(Math.min(Math.max(this.#average, placeAtLeast), placeAtMost));
  }

  #take(): Place {
    const taken: Taken = { octets: this.#placeInOctets(), heardAt: this.#clock.monotonic() };
    this.#taken.add(taken);
    this.#used += taken.octets;
    let left = false;
    return {
      heard: () => {
        // Only while others wait does it matter when.
        taken.heardAt = this.#timer ? this.#clock.monotonic() : 0;
      },
      holdsUp: () => {
        taken.heardAt = Infinity;
      },
      leave: (contentInOctets) => {
        if (left) return;
        left = true;
        this.#average += (contentInOctets - this.#average) * weight;
        this.#free(taken);
        this.#admit();
      },
    };
  }

  #free(taken: Taken): void {
    if (this.#taken.delete(taken)) this.#used -= taken.octets;
  }

  #admit(): void {
    while (this.#waiting.length > 0 && this.#hasRoom()) this.#waiting.shift()?.resolve(this.#take());
  }

  /** Of the time before nothing is known. */
  #begin(): void {
    const now = this.#clock.monotonic();
    for (const taken of this.#taken) if (taken.heardAt !== Infinity) taken.heardAt = now;
    this.#timer = this.#clock.after(lookedAtEvery, () => this.#look());
  }

  #look(): void {
    this.#timer = undefined;
    const now = this.#clock.monotonic();
    for (const taken of this.#taken) if (now - taken.heardAt >= silentAtMost) this.#free(taken);
    this.#admit();
    while (this.#waiting[0] && now - this.#waiting[0].since >= waitsAtMost)
      this.#waiting.shift()?.resolve(undefined);
    if (this.#waiting.length > 0) this.#timer = this.#clock.after(lookedAtEvery, () => this.#look());
  }
}

/** RFC 3463 §3.4: X.3.2, System not accepting network messages. */
export const tooMuchAtOnce = reply(452, '4.3.2', 'Too much mail at once, try again later');

/** @param begin called with a place, at once where there is one */
export function whenAdmitted(admission: Admission, begin: (place: Place) => Step): Step | Promise<Step> {
  const place = admission.enter();
  if (!(place instanceof Promise)) return begin(place);
  return place.then((found) => (found ? begin(found) : { reply: tooMuchAtOnce }));
}
