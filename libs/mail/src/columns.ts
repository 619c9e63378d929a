/**
 * One field of very many rows. In chunks: a column that grows copies nothing, and is never much larger than what stands
 * in it. Numbers take no place in the heap, which a garbage collection would have to go through.
 */
const chunkBits = 13;
const chunkRows = 1 << chunkBits;
const chunkMask = chunkRows - 1;

type Numbers = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/** A row that was never set reads as 0. */
export class NumberColumn {
  readonly #chunks: Numbers[] = [];
  readonly #make: new (length: number) => Numbers;

  /** @param make such as `Uint32Array`: what it can't hold does not fit the column */
  constructor(make: new (length: number) => Numbers) {
    this.#make = make;
  }

  get(row: number): number {
    return this.#chunks[row >> chunkBits]?.[row & chunkMask] ?? 0;
  }

  set(row: number, value: number): void {
    const chunk = row >> chunkBits;
    while (this.#chunks.length <= chunk) this.#chunks.push(new this.#make(chunkRows));
    const numbers = this.#chunks[chunk];
    if (numbers !== undefined) numbers[row & chunkMask] = value;
  }
}

/** Values that many rows may share; a row that was never set, or was cleared, reads as undefined. */
export class ValueColumn<T> {
  readonly #chunks: (T | undefined)[][] = [];

  get(row: number): T | undefined {
    return this.#chunks[row >> chunkBits]?.[row & chunkMask];
  }

  set(row: number, value: T | undefined): void {
    const chunk = row >> chunkBits;
    while (this.#chunks.length <= chunk)
      this.#chunks.push(new Array<T | undefined>(chunkRows).fill(undefined));
    const values = this.#chunks[chunk];
    if (values !== undefined) values[row & chunkMask] = value;
  }
}
