/** Values for one reader, in order, until it is closed. */
export class ValueQueue<T> implements AsyncIterable<T> {
  #values: T[] = [];
  #wake: (() => void) | undefined;
  #closed = false;

  push(value: T): void {
    if (!this.#closed) this.#values.push(value);
    this.#wake?.();
  }

  /** What has not been read is dropped. */
  close(): void {
    this.#closed = true;
    this.#values = [];
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    while (!this.#closed) {
      const value = this.#values.shift();
      if (value !== undefined) yield value;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
