/**
 * How much V8 lets the heap grow before it looks at all of it for what is not needed any more. It counts the buffers that pass
 * through, too: of a small heap a few mails of 100 kB are a large part, and it would be looked at ten times a second.
 * Of a large one - a long queue - nearly all stays, and what it may grow by is memory for nothing.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';

const mebibyte = 1024 * 1024;

const small = 64 * mebibyte;
const large = 192 * mebibyte;

/** @param needed octets @returns percent that it may grow by; 0: as V8 thinks */
export function growthFor(needed: number): number {
  if (needed < small) return 300;
  return needed < large ? 0 : 20;
}

/** What is in use is also what nobody needs any more; the least of so many looks is nearly what is needed. */
const looks = 5;

export class HeapGrowth {
  readonly #used: number[] = [];
  #percent: number | undefined;

  /** At the start, and each second. */
  look(): void {
    this.#used.push(getHeapStatistics().used_heap_size);
    if (this.#used.length > looks) this.#used.shift();
    const percent = growthFor(Math.min(...this.#used));
    if (percent === this.#percent) return;
    this.#percent = percent;
    setFlagsFromString(`--heap-growing-percent=${percent}`);
  }
}
