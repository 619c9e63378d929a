/**
 * Octets of content that the process holds in memory, over all sessions. When it is short, content streams to the
 * spool at once instead of being held (DESIGN §3).
 */
const contentBudgetInOctets = 64 * 1024 * 1024;

export class ContentBudget {
  #used = 0;
  readonly #limit: number;

  constructor(limit: number = contentBudgetInOctets) {
    this.#limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  /** @returns false when there is not that much left: nothing is taken then */
  take(octets: number): boolean {
    if (this.#used + octets > this.#limit) return false;
    this.#used += octets;
    return true;
  }

  giveBack(octets: number): void {
    this.#used -= octets;
  }
}
