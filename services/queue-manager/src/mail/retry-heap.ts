/** A binary heap of what is due when; entries are not taken out early but passed over when they come up. */
export interface Due<T> {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly item: T;
}

export class RetryHeap<T> {
  readonly #entries: Due<T>[] = [];

  get size(): number {
    return this.#entries.length;
  }

  first(): Due<T> | undefined {
    return this.#entries[0];
  }

  push(entry: Due<T>): void {
    let at = this.#entries.length;
    this.#entries.push(entry);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = this.#entries[above];
      if (parent === undefined || parent.at <= entry.at) break;
      this.#entries[at] = parent;
      at = above;
    }
    this.#entries[at] = entry;
  }

  pop(): Due<T> | undefined {
    const first = this.#entries[0];
    const last = this.#entries.pop();
    if (first === undefined || last === undefined || this.#entries.length === 0) return first;
    this.#sink(last);
    return first;
  }

  #sink(entry: Due<T>): void {
    let at = 0;
    for (;;) {
      const left = this.#entries[2 * at + 1];
      const right = this.#entries[2 * at + 2];
      const below = right !== undefined && left !== undefined && right.at < left.at ? 2 * at + 2 : 2 * at + 1;
      const child = this.#entries[below];
      if (child === undefined || child.at >= entry.at) break;
      this.#entries[at] = child;
      at = below;
    }
    this.#entries[at] = entry;
  }
}
