/** How far a long command is, on standard error: painted over on a terminal, else a line for each thing that is done. */
import { counted, size } from '../table.js';

/** Milliseconds between two looks at the same thing. */
const shownEvery = 500;

export class Progress {
  #shownAt = 0;

  /** Under way. */
  at(what: string, messages: number, octets: number): void {
    if (!process.stderr.isTTY || performance.now() - this.#shownAt < shownEvery) return;
    this.#shownAt = performance.now();
    process.stderr.write(`\r${what}: ${counted(messages, 'message')}, ${size(octets)}\x1b[K`);
  }

  done(what: string, messages: number, octets: number): void {
    this.say(`${what}: ${counted(messages, 'message')}, ${size(octets)}`);
  }

  say(text: string): void {
    process.stderr.write(process.stderr.isTTY ? `\r${text}\x1b[K\n` : `${text}\n`);
  }
}
