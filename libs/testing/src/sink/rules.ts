/** How a sink misbehaves, by recipient, domain or for all, and how often. */

/**
 * Where a rule takes effect: `connect` the greeting; `ehlo` EHLO, HELO, LHLO; `mail`, `rcpt`, `data` the command;
 * `content` the first octets after 354; `dot` the reply to the whole mail, which then isn't taken; `taken` the mail
 * is taken and counted, its reply not sent yet.
 */
export type Stage = 'connect' | 'ehlo' | 'mail' | 'rcpt' | 'data' | 'content' | 'dot' | 'taken';

export interface SinkRule {
  readonly at: Stage;
  /** Milliseconds before anything else. */
  readonly delay?: number;
  /** Instead of the usual reply: code, enhanced status and text, `451 4.7.1 Try again`. A 421 also closes. */
  readonly reply?: string;
  /** The connection is broken without a reply (RST). */
  readonly cut?: boolean;
  /** How often for each recipient (`connect`, `ehlo`, `mail`: in all); always when absent. */
  readonly times?: number;
}

/** By recipient address, else by domain, else `*`. `connect`, `ehlo` and `mail` know no recipient: only `*`. */
export type SinkRules = Readonly<Record<string, readonly SinkRule[]>>;

export class RuleBook {
  readonly #rules: ReadonlyMap<string, readonly SinkRule[]>;
  readonly #stages: ReadonlySet<Stage>;
  readonly #used = new Map<string, number>();

  constructor(rules: SinkRules) {
    this.#rules = new Map(Object.entries(rules).map(([key, list]) => [key.toLowerCase(), list]));
    this.#stages = new Set(Object.values(rules).flatMap((list) => list.map(({ at }) => at)));
  }

  /** The rule that takes effect now, counted as used; the first recipient that has one decides. */
  due(stage: Stage, recipients: readonly string[] = []): SinkRule | undefined {
    if (!this.#stages.has(stage)) return undefined;
    for (const recipient of recipients.length > 0 ? recipients : ['*']) {
      const rule = this.#dueFor(stage, recipient.toLowerCase());
      if (rule !== undefined) return rule;
    }
    return undefined;
  }

  #dueFor(stage: Stage, recipient: string): SinkRule | undefined {
    const domain = recipient.slice(recipient.lastIndexOf('@') + 1);
    const key = [recipient, domain, '*'].find((candidate) => this.#rules.has(candidate));
    const rules = key === undefined ? [] : (this.#rules.get(key) ?? []);
    for (const [index, rule] of rules.entries()) {
      if (rule.at !== stage) continue;
      if (rule.times === undefined) return rule;
      const use = `${stage} ${index} ${recipient}`;
      const used = this.#used.get(use) ?? 0;
      if (used >= rule.times) continue;
      this.#used.set(use, used + 1);
      return rule;
    }
    return undefined;
  }
}
