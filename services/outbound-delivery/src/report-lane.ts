/**
 * Reports to one shard take turns: a few are under way, and what finishes meanwhile waits for its channel's next turn.
 * So an idle system reports a mail at once, and a busy one bundles without any timer. A channel with many results
 * waits for no turn: it would soon have none of its mails left to send.
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

/** Half of what an owner has at a channel: while they are reported, the other half goes out. */
export const manyResults = 8;

export class ReportLane {
  #underWay = 0;
  /** In the order of calls. */
  readonly #waiting = new Set<Reporting>();
  readonly #urgent: Reporting[] = [];
  #starting = false;

  /** @param results that it has to report */
  enqueue(one: Reporting, results: number): void {
    this.#waiting.add(one);
    if (results >= manyResults) this.hurry(one);
    else if (this.#underWay < reportsUnderWay) this.#startSoon();
  }

  /** It waits, and has many results by now. */
  hurry(one: Reporting): void {
    this.#urgent.push(one);
    this.#startSoon();
  }

  /** What finishes in the same turn of the event loop goes along. */
  #startSoon(): void {
    if (this.#starting) return;
    this.#starting = true;
    setImmediate(() => {
      this.#starting = false;
      for (const one of this.#urgent.splice(0)) this.#send(one);
      this.#start();
    });
  }

  #start(): void {
    for (const one of this.#waiting) {
      if (this.#underWay >= reportsUnderWay) return;
      this.#send(one);
    }
  }

  #send(one: Reporting): void {
    if (!this.#waiting.delete(one)) return;
    this.#underWay++;
    void one.send().then(() => {
      this.#underWay--;
      this.#start();
    });
  }
}
