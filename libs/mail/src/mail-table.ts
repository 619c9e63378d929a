/**
 * A map by mail id for very many values, nearly all of one simple form: those stand in columns and are made when they are
 * asked for, the others as they are.
 */
import { MailIdRows } from './mail-id-rows.js';
import type { MailId } from './mail-id.js';

/** How values of the simple form stand in columns. */
export interface RowForm<T> {
  /** Is it of that form, and would come back as it is? */
  fits(value: T): boolean;
  write(row: number, value: T): void;
  read(row: number, id: MailId): T;
  /** What the row refers to in the heap. */
  clear?(row: number): void;
}

/** A value that was read changes nothing here: what is changed is set again. */
export class MailTable<T> {
  readonly #form: RowForm<T>;
  readonly #rows = new MailIdRows();
  readonly #others = new Map<MailId, T>();

  constructor(form: RowForm<T>) {
    this.#form = form;
  }

  get size(): number {
    return this.#rows.size + this.#others.size;
  }

  has(id: MailId): boolean {
    return this.#rows.find(id) >= 0 || this.#others.has(id);
  }

  get(id: MailId): T | undefined {
    const row = this.#rows.find(id);
    return row >= 0 ? this.#form.read(row, id) : this.#others.get(id);
  }

  set(id: MailId, value: T): void {
    const known = this.#rows.find(id);
    if (this.#form.fits(value) && MailIdRows.takes(id)) {
      this.#others.delete(id);
      this.#form.write(known >= 0 ? known : this.#rows.add(id), value);
    } else {
      if (known >= 0) this.#remove(known);
      this.#others.set(id, value);
    }
  }

  /** @returns false when it was not here */
  delete(id: MailId): boolean {
    const row = this.#rows.find(id);
    if (row < 0) return this.#others.delete(id);
    this.#remove(row);
    return true;
  }

  /** Those of the simple form in the order in which they came, about, then the others. Deleting meanwhile does no harm. */
  *[Symbol.iterator](): Generator<readonly [MailId, T]> {
    for (const row of this.#rows.rows()) {
      const id = this.#rows.idAt(row);
      yield [id, this.#form.read(row, id)];
    }
    yield* this.#others;
  }

  /** Those that are not of the simple form. */
  others(): IterableIterator<[MailId, T]> {
    return this.#others.entries();
  }

  #remove(row: number): void {
    this.#rows.forget(row);
    this.#rows.free(row);
    this.#form.clear?.(row);
  }
}
