/**
 * Reports to one shard take turns: a few are under way, and what finishes meanwhile waits for its channel's next turn.
 * So an idle system reports a mail at once, and a busy one bundles without any timer. A channel with many results
 * waits for no turn, and takes none from the others: it would soon have none of its mails left to send.
 */

/** What wants a turn. */
export interface Reporting {
  /** Sends one report. Resolves when it is answered or given up; never rejects. */
  send(): Promise<void>;
}

/** Half of what an owner has at a channel: while they are reported, the other half goes out. */
export const manyResults = 8;

/**
 * Under way at once. In turn: the owner writes reports that arrive together in one go, so more than one is worth while;
 * with many, each would carry one mail only, and messages would cost more than mails. Urgent: every channel of a
 * site, and not all of a worker at an owner that has just taken over.
 */
const most = { inTurn: 4, urgent: 32 } as const;
type Kind = keyof typeof most;

export class ReportLane {
  readonly #underWay: Record<Kind, number> = { inTurn: 0, urgent: 0 };
  /** In the order of calls; those that are urgent stand in both. */
  readonly #waiting = new Set<Reporting>();
  readonly #urgent = new Set<Reporting>();
  #starting = false;

  /** @param results that it has to report */
  enqueue(one: Reporting, results: number): void {
    this.#waiting.add(one);
    if (results >= manyResults) this.hurry(one);
    else if (this.#mayStart('inTurn')) this.#startSoon();
  }

  /** It waits, and has many results by now. */
  hurry(one: Reporting): void {
    this.#urgent.add(one);
    if (this.#mayStart('urgent')) this.#startSoon();
  }

  #mayStart(kind: Kind): boolean {
    return this.#underWay[kind] < most[kind];
  }

  /** What finishes in the same turn of the event loop goes along. */
  #startSoon(): void {
    if (this.#starting) return;
    this.#starting = true;
    setImmediate(() => {
      this.#starting = false;
      this.#start('urgent', this.#urgent);
      this.#start('inTurn', this.#waiting);
    });
  }

  #start(kind: Kind, from: ReadonlySet<Reporting>): void {
    for (const one of from) {
      if (!this.#mayStart(kind)) return;
      this.#waiting.delete(one);
      this.#urgent.delete(one);
      this.#underWay[kind]++;
      void one.send().then(() => {
        this.#underWay[kind]--;
        this.#start(kind, from);
      });
    }
  }
}
