/** What a command of the command line is, and how it ends. */

export interface Command {
  readonly name: string;
  /** Words and flags, a line a form, as help prints them. */
  readonly synopsis: readonly string[];
  /** A line, or several where one is too long for a terminal. */
  readonly summary: string;
  /** @returns the exit code: 0, or 1 when nothing matched */
  run(words: readonly string[]): Promise<number>;
}

/** The words make no sense: one line to standard error, exit 2. */
export class UsageError extends Error {}

/** It can't be done now: one line to standard error, exit 1. */
export class CommandFailed extends Error {}

export const exitCodes = { done: 0, nothingMatched: 1, failed: 1, usage: 2 } as const;

export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function complain(text: string): void {
  process.stderr.write(`postrider: ${text}\n`);
}

/** For machines: one JSON value, indented for the people who read it after all. */
export function sayJson(value: unknown): void {
  say(JSON.stringify(value, undefined, 2));
}
