import { NumberColumn, ValueColumn, type Diagnostic } from '@postrider/mail';
import type { OpenRecipient } from './spool.js';

/** What a column of indexes and counts takes. */
const countsUpTo = 0xffff;

type Open = Omit<OpenRecipient, 'diagnostic'> & { readonly diagnostic?: Diagnostic | undefined };

/** An open recipient a row: most of a long queue has one. */
export class OpenRecipientColumns {
  readonly #diagnostic = new ValueColumn<Diagnostic>();
  readonly #until = new NumberColumn(Float64Array);
  readonly #index = new NumberColumn(Uint16Array);
  readonly #attempts = new NumberColumn(Uint16Array);
  readonly #unknowns = new NumberColumn(Uint16Array);

  static takes({ index, attempts, unknowns }: Pick<Open, 'index' | 'attempts' | 'unknowns'>): boolean {
    return Math.max(index, attempts, unknowns) <= countsUpTo;
  }

  set(row: number, { index, attempts, until, unknowns, diagnostic }: Open): void {
    this.#index.set(row, index);
    this.#attempts.set(row, attempts);
    this.#until.set(row, until);
    this.#unknowns.set(row, unknowns);
    this.#diagnostic.set(row, diagnostic);
  }

  get(row: number): OpenRecipient {
    const diagnostic = this.#diagnostic.get(row);
    return {
      index: this.#index.get(row),
      attempts: this.#attempts.get(row),
      until: this.#until.get(row),
      unknowns: this.#unknowns.get(row),
      ...(diagnostic === undefined ? {} : { diagnostic }),
    };
  }

  diagnostic(row: number): Diagnostic | undefined {
    return this.#diagnostic.get(row);
  }

  /** What the row refers to in the heap. */
  clear(row: number): void {
    this.#diagnostic.set(row, undefined);
  }
}
