/** A place in a text that grammar productions move forward; the base of the parsers. */
export class TextCursor {
  readonly text: string;
  protected at = 0;
  #problem: string | undefined;

  constructor(text: string) {
    this.text = text;
  }

  atEnd(): boolean {
    return this.at === this.text.length;
  }

  /** Why the last production failed, as a sentence for the peer. */
  get problem(): string {
    return this.#problem ?? 'Syntax error';
  }

  /** The first failure is the one that says what is wrong. */
  protected fail(problem: string): null {
    this.#problem ??= problem;
    return null;
  }

  protected peek(literal: string): boolean {
    return this.text.startsWith(literal, this.at);
  }

  /** Terminals of RFC 5234 §2.3 are case-insensitive: `literal` in upper case. */
  protected take(literal: string): boolean {
    const found = this.text.slice(this.at, this.at + literal.length);
    if (found !== literal && found.toUpperCase() !== literal) return false;
    this.at += literal.length;
    return true;
  }

  /** @param pattern sticky (`y`) */
  protected takeMatch(pattern: RegExp): string | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0];
    if (found === undefined) return null;
    this.at += found.length;
    return found;
  }
}
