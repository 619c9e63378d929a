/**
 * Reports to one shard take turns: a few are under way, and what finishes meanwhile waits for its channel's next turn.
 * So an idle system reports a mail at once, and a busy one bundles without any timer.
 */

/** What wants a turn. */
export interface Reporting {
  /** Sends one report. Resolves when it is answered or given up; never rejects. */
  send(): Promise<void>;
}

/**
 * The owner writes reports that arrive together in one go, so more than one is worth while; with many, each would carry
 * one mail only, and messages would cost more than mails.
 */
const reportsUnderWay = 4;

export class ReportLane {
  #underWay = 0;
  readonly #waiting: Reporting[] = [];
  #starting = false;

  /** In the order of calls. */
  enqueue(one: Reporting): void {
    this.#waiting.push(one);
    if (this.#starting || this.#underWay >= reportsUnderWay) return;
    this.#starting = true;
    // What finishes in the same turn of the event loop goes along.
    setImmediate(() => {
      this.#starting = false;
      this.#start();
    });
  }

  #start(): void {
    while (this.#underWay < reportsUnderWay) {
      const one = this.#waiting.shift();
      if (one === undefined) return;
      this.#underWay++;
      void one.send().then(() => {
        this.#underWay--;
        this.#start();
      });
    }
  }
}
