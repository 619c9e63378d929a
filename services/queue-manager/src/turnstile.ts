/** Lets only so many through at once: the others wait in the order they came. */
export class Turnstile {
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  async pass<T>(act: () => Promise<T>): Promise<T> {
    if (this.#inside >= this.#limit) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#inside++;
    try {
      return await act();
    } finally {
      const next = this.#waiting.shift();
      // Its place goes to the next one without being free in between.
      if (next === undefined) this.#inside--;
      else next();
    }
  }
}
