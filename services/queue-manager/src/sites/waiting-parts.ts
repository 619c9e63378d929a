/**
 * Parts that wait for a channel of one site: first come, first served. The place for round-robin over tenants
 * (identity) and for priorities within a tenant: what asks for the next part does not change with it.
 */
import type { Part } from '../mail/queue-mail.js';

/** Slots freed in front before the array is cut. */
const cutAfter = 1_024;

export class WaitingParts {
  #parts: (Part | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#parts.length - this.#head;
  }

  push(part: Part): void {
    this.#parts.push(part);
  }

  /** Back to the front: it was given out and came back untried. */
  putBack(part: Part): void {
    if (this.#head > 0) this.#parts[--this.#head] = part;
    else this.#parts.unshift(part);
  }

  peek(): Part | undefined {
    return this.#parts[this.#head];
  }

  shift(): Part | undefined {
    const part = this.#parts[this.#head];
    if (part === undefined) return undefined;
    this.#parts[this.#head++] = undefined;
    if (this.#head >= cutAfter && this.#head * 2 >= this.#parts.length) {
      this.#parts = this.#parts.slice(this.#head);
      this.#head = 0;
    }
    return part;
  }

  /** Takes those out that match. */
  take(matches: (part: Part) => boolean): readonly Part[] {
    const taken: Part[] = [];
    const kept: Part[] = [];
    for (let at = this.#head; at < this.#parts.length; at++) {
      const part = this.#parts[at];
      if (part !== undefined) (matches(part) ? taken : kept).push(part);
    }
    this.#parts = kept;
    this.#head = 0;
    return taken;
  }
}
