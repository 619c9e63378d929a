/**
 * How much V8 lets the heap grow before it looks at all of it for what is not needed any more. It counts the buffers that pass
 * through, too: of a small heap a few mails of 100 kB are a large part, and it would be looked at ten times a second.
 * Of a large one - a long queue - nearly all stays, and what it may grow by is memory for nothing.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';

const mebibyte = 1024 * 1024;

const small = 64 * mebibyte;
const large = 192 * mebibyte;

/** @param used octets @returns percent that it may grow by; 0: as V8 thinks */
export function growthFor(used: number): number {
  if (used < small) return 300;
  return used < large ? 0 : 20;
}

export class HeapGrowth {
  #percent: number | undefined;

  /** At the start, and each second. */
  look(): void {
    const percent = growthFor(getHeapStatistics().used_heap_size);
    if (percent === this.#percent) return;
    this.#percent = percent;
    setFlagsFromString(`--heap-growing-percent=${percent}`);
  }
}
