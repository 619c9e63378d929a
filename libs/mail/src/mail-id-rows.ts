/**
 * Mail ids as rows of a table, each found by its id: 20 octets a mail, none of them in the heap, where a `Map` of strings
 * takes a hundred. A row keeps its number until it is given back.
 */
import { NumberColumn } from './columns.js';
import { alphabet, idLength, type MailId } from './mail-id.js';

/** Six symbols of 30 are below 2^30: an id is three such words. */
const wordLength = 6;
const radix = alphabet.length;
const noWord = 0xffff_ffff;

const digits = new Int8Array(128).fill(-1);
for (let digit = 0; digit < radix; digit++) digits[alphabet.charCodeAt(digit)] = digit;
const codes = Array.from(alphabet, (symbol) => symbol.charCodeAt(0));

/** @returns a word of an id; `noWord`: it has other symbols */
function wordAt(id: MailId, from: number): number {
  let word = 0;
  for (let at = from; at < from + wordLength; at++) {
    const digit = digits[id.charCodeAt(at)] ?? -1;
    if (digit < 0) return noWord;
    word = word * radix + digit;
  }
  return word;
}

const hashOf = (a: number, b: number, c: number): number => {
  const mixed = Math.imul(a, 0x9e37_79b1) ^ Math.imul(b, 0x85eb_ca6b) ^ Math.imul(c, 0xc2b2_ae35);
  return Math.imul(mixed ^ (mixed >>> 15), 0x2c1b_3c6d) >>> 0;
};

/** Rows in use of the index at most: a search then looks at two or three. */
const fullest = 0.7;
const smallest = 16;

export class MailIdRows {
  readonly #words = [
    new NumberColumn(Uint32Array),
    new NumberColumn(Uint32Array),
    new NumberColumn(Uint32Array),
  ] as const;
  /** Row + 1 where its hash says, or behind that; 0: nothing. */
  #index = new Uint32Array(smallest);
  readonly #free: number[] = [];
  #rows = 0;
  #size = 0;

  /** Ids that can be found. */
  get size(): number {
    return this.#size;
  }

  /** @returns false for one with a suffix, of a part of a split envelope: it has no place here */
  static takes(id: MailId): boolean {
    if (id.length !== idLength) return false;
    for (let from = 0; from < idLength; from += wordLength) if (wordAt(id, from) === noWord) return false;
    return true;
  }

  /** @returns its row; -1: it is not here */
  find(id: MailId): number {
    if (this.#size === 0 || id.length !== idLength) return -1;
    const place = this.#placeOf(wordAt(id, 0), wordAt(id, wordLength), wordAt(id, 2 * wordLength));
    return (this.#index[place] ?? 0) - 1;
  }

  /** @param id that it takes, and that is not here; @returns its row */
  add(id: MailId): number {
    if (this.#size + 1 > this.#index.length * fullest) this.#enlarge();
    const row = this.#free.pop() ?? this.#rows++;
    const [a, b, c] = [wordAt(id, 0), wordAt(id, wordLength), wordAt(id, 2 * wordLength)];
    this.#words[0].set(row, a);
    this.#words[1].set(row, b);
    this.#words[2].set(row, c);
    this.#index[this.#placeOf(a, b, c)] = row + 1;
    this.#size++;
    return row;
  }

  /** Of a row that has one. */
  idAt(row: number): MailId {
    const text: number[] = [];
    for (const column of this.#words) {
      let word = column.get(row);
      const end = text.length + wordLength;
      for (let at = end - 1; at >= end - wordLength; at--) {
        text[at] = codes[word % radix] ?? 0;
        word = Math.floor(word / radix);
      }
    }
    return String.fromCharCode(...text);
  }

  /** It is not found any more, and its row stays as it is until `free`. */
  forget(row: number): void {
    const [a, b, c] = this.#wordsOf(row);
    this.#close(this.#placeOf(a, b, c));
    this.#words[0].set(row, noWord);
    this.#size--;
  }

  /** The row of a forgotten id is given to another. */
  free(row: number): void {
    this.#free.push(row);
  }

  /** Of the ids that can be found, in the order of rows. Forgetting some meanwhile does no harm. */
  *rows(): Generator<number> {
    for (let row = 0; row < this.#rows; row++) if (this.#words[0].get(row) !== noWord) yield row;
  }

  #wordsOf(row: number): readonly [number, number, number] {
    const [a, b, c] = this.#words;
    return [a.get(row), b.get(row), c.get(row)];
  }

  /** Where it stands in the index, or has to. */
  #placeOf(a: number, b: number, c: number): number {
    const index = this.#index;
    const mask = index.length - 1;
    let place = hashOf(a, b, c) & mask;
    for (let entry = index[place] ?? 0; entry !== 0; entry = index[place] ?? 0) {
      const row = entry - 1;
      // The last one first: ids of one process differ there.
      if (this.#words[2].get(row) === c && this.#words[1].get(row) === b && this.#words[0].get(row) === a)
        break;
      place = (place + 1) & mask;
    }
    return place;
  }

  /** What stands behind it moves up as far as it may: a search ends at the first empty place. */
  #close(hole: number): void {
    const index = this.#index;
    const mask = index.length - 1;
    let empty = hole;
    for (let place = (empty + 1) & mask; index[place] !== 0; place = (place + 1) & mask) {
      const entry = index[place] ?? 0;
      const wanted = hashOf(...this.#wordsOf(entry - 1)) & mask;
      if (((place - wanted) & mask) < ((place - empty) & mask)) continue;
      index[empty] = entry;
      empty = place;
    }
    index[empty] = 0;
  }

  #enlarge(): void {
    const before = this.#index;
    this.#index = new Uint32Array(before.length * 2);
    const mask = this.#index.length - 1;
    for (const entry of before) {
      if (entry === 0) continue;
      let place = hashOf(...this.#wordsOf(entry - 1)) & mask;
      while (this.#index[place] !== 0) place = (place + 1) & mask;
      this.#index[place] = entry;
    }
  }
}
