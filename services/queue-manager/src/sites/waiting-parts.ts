/**
 * Parts that wait for a channel of one site: by priority (RFC 6710 §5.1), first come, first served within one. The
 * place for round-robin over tenants (identity): what asks for the next part does not change with it.
 */
import type { Part } from '../mail/queue-mail.js';

/** Slots freed in front before the array is cut. */
const cutAfter = 1_024;

interface Level {
  readonly priority: number;
  readonly parts: PartsInOrder;
}

class PartsInOrder {
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

export class WaitingParts {
  /** Highest first; nearly always the one of 0 alone. */
  readonly #levels: Level[] = [{ priority: 0, parts: new PartsInOrder() }];

  get length(): number {
    let length = 0;
    for (const { parts } of this.#levels) length += parts.length;
    return length;
  }

  push(part: Part): void {
    this.#levelOf(part).push(part);
  }

  /** Back to the front: it was given out and came back untried. */
  putBack(part: Part): void {
    this.#levelOf(part).putBack(part);
  }

  peek(): Part | undefined {
    return this.#first()?.peek();
  }

  shift(): Part | undefined {
    return this.#first()?.shift();
  }

  /** Takes those out that match. */
  take(matches: (part: Part) => boolean): readonly Part[] {
    return this.#levels.flatMap(({ parts }) => parts.take(matches));
  }

  #first(): PartsInOrder | undefined {
    for (const { parts } of this.#levels) if (parts.length > 0) return parts;
    return undefined;
  }

  #levelOf({ mail }: Part): PartsInOrder {
    const priority = mail.scheduling?.priority ?? 0;
    const known = this.#levels.find((level) => level.priority === priority);
    if (known) return known.parts;
    const parts = new PartsInOrder();
    this.#levels.push({ priority, parts });
    this.#levels.sort((a, b) => b.priority - a.priority);
    return parts;
  }
}
