/**
 * A binary heap of what is due when; entries are not taken out early but passed over when they come up. Times and
 * items in two arrays: a million entries without an object each.
 */
export interface Due<T> {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly item: T;
}

export class RetryHeap<T> {
  readonly #times: number[] = [];
  readonly #items: T[] = [];

  get size(): number {
    return this.#times.length;
  }

  first(): Due<T> | undefined {
    return this.#entry(0);
  }

  push(entry: Due<T>): void {
    let at = this.#times.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = this.#entry(above);
      if (parent === undefined || parent.at <= entry.at) break;
      this.#put(at, parent);
      at = above;
    }
    this.#put(at, entry);
  }

  pop(): Due<T> | undefined {
    const first = this.#entry(0);
    const last = this.#entry(this.#times.length - 1);
    this.#times.pop();
    this.#items.pop();
    if (last !== undefined && this.#times.length > 0) this.#sink(last);
    return first;
  }

  #sink(entry: Due<T>): void {
    let at = 0;
    for (;;) {
      const left = this.#entry(2 * at + 1);
      const right = this.#entry(2 * at + 2);
      const rightFirst = left !== undefined && right !== undefined && right.at < left.at;
      const child = rightFirst ? right : left;
      if (child === undefined || child.at >= entry.at) break;
      this.#put(at, child);
      at = 2 * at + (rightFirst ? 2 : 1);
    }
    this.#put(at, entry);
  }

  #entry(index: number): Due<T> | undefined {
    const at = this.#times[index];
    const item = this.#items[index];
    return at === undefined || item === undefined ? undefined : { at, item };
  }

  #put(index: number, { at, item }: Due<T>): void {
    this.#times[index] = at;
    this.#items[index] = item;
  }
}
