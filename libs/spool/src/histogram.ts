/** How values are spread, for a gauge record: counted up to given bounds, as Prometheus's histograms are. */
import type { HistogramFigure } from '@postrider/protocol';

export class Histogram {
  readonly #bounds: readonly number[];
  /** Of each bound those above the one before; the last are above all. */
  readonly #counts: number[];
  #sum = 0;

  /** @param bounds ascending, each inclusive, in the unit of the values */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    const index = this.#bounds.findIndex((bound) => value <= bound);
    const at = index === -1 ? this.#bounds.length : index;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
    this.#sum += value;
  }

  /** Cumulative, as they are told. */
  figure(): HistogramFigure {
    let count = 0;
    const upTo: Record<string, number> = {};
    this.#counts.forEach((counted, index) => {
      count += counted;
      const bound = this.#bounds[index];
      if (bound !== undefined) upTo[String(bound)] = count;
    });
    return { upTo, count, sum: this.#sum };
  }
}
