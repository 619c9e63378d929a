/**
 * How much V8 lets the heap grow before it looks at all of it for what is not needed any more. It counts the buffers that pass
 * through, too: of a small heap a few mails of 100 kB are a large part, and it would be looked at ten times a second.
 * Of a large one - a long queue - nearly all stays, and what it may grow by is memory for nothing.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';

const mebibyte = 1024 * 1024;

const small = 64 * mebibyte;
const large = 192 * mebibyte;

/** What is in use is also what nobody needs any more; the least of so many looks is nearly what is needed. */
const looks = 5;

/**
 * @param used octets, look by look; the last is now
 * @returns percent that it may grow by. One that has become large is so at once: it may be growing still
 */
export function growthFor(used: readonly number[]): number {
  if ((used.at(-1) ?? 0) >= large) return 20;
  return Math.min(...used) < small ? 300 : 100;
}

export class HeapGrowth {
  readonly #used: number[] = [];
  #percent: number | undefined;

  /** At the start, and each second. */
  look(): void {
    this.#used.push(getHeapStatistics().used_heap_size);
    if (this.#used.length > looks) this.#used.shift();
    const percent = growthFor(this.#used);
    if (percent === this.#percent) return;
    this.#percent = percent;
    setFlagsFromString(`--heap-growing-percent=${percent}`);
  }
}
