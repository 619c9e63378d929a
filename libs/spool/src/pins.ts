/** Which messages of a stream still have live mail: the log may be truncated up to the oldest of them. */
export class Pins {
  readonly #counts = new Map<number, number>();

  add(sequence: number): void {
    this.#counts.set(sequence, (this.#counts.get(sequence) ?? 0) + 1);
  }

  remove(sequence: number): void {
    const count = this.#counts.get(sequence) ?? 0;
    if (count > 1) this.#counts.set(sequence, count - 1);
    else this.#counts.delete(sequence);
  }

  /** Infinity when nothing is pinned. Looks at all of them: for housekeeping, not for each mail. */
  oldest(): number {
    let oldest = Infinity;
    for (const sequence of this.#counts.keys()) if (sequence < oldest) oldest = sequence;
    return oldest;
  }
}
