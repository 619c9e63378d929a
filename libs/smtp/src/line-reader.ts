/**
 * The octets of a client cut into command lines. Only CRLF ends a line (RFC 5321 §2.3.8); a line with a bare CR, a
 * bare LF or a NUL, or one that is too long, is told once and swallowed up to its CRLF: nothing of it is a command.
 */
import { limits } from './limits.js';

export type LineProblem = 'too-long' | 'bare-cr' | 'bare-lf' | 'nul';
export type CommandLine =
  | { readonly kind: 'line'; readonly text: string }
  | { readonly kind: 'refused'; readonly problem: LineProblem };

const empty = Buffer.alloc(0);
const cr = 0x0d;
const lf = 0x0a;
const crlf = Buffer.from('\r\n');

export class LineReader {
  #octets: Buffer = empty;
  #at = 0;
  #swallowing = false;

  /** Octets not read yet. */
  get length(): number {
    return this.#octets.length - this.#at;
  }

  push(chunk: Buffer): void {
    this.#octets = this.length === 0 ? chunk : Buffer.concat([this.#octets.subarray(this.#at), chunk]);
    this.#at = 0;
  }

  /** All that is not read yet, for who reads otherwise than by lines. */
  takeAll(): Buffer {
    const rest = this.#octets.subarray(this.#at);
    this.#octets = empty;
    this.#at = 0;
    return rest;
  }

  /** @returns undefined when more octets are needed */
  next(maximum: number = limits.commandLine): CommandLine | undefined {
    if (this.#swallowing && !this.#swallow()) return undefined;
    const end = this.#octets.indexOf(lf, this.#at);
    const length = end === -1 ? this.length : end + 1 - this.#at;
    const whole = end > this.#at && this.#octets[end - 1] === cr;
    if (length > maximum) return this.#refuse('too-long', whole, end);
    if (end === -1) return undefined;
    if (!whole) return this.#refuse('bare-lf', whole, end);
    const text = this.#octets.toString('latin1', this.#at, end - 1);
    this.#at = end + 1;
    if (text.includes('\r')) return { kind: 'refused', problem: 'bare-cr' };
    if (text.includes('\0')) return { kind: 'refused', problem: 'nul' };
    return { kind: 'line', text };
  }

  /** A line that ends in CRLF is over; of any other the rest is still to come. */
  #refuse(problem: LineProblem, whole: boolean, end: number): CommandLine {
    if (end !== -1) this.#at = end + 1;
    this.#swallowing = !whole;
    if (this.#swallowing) this.#swallow();
    return { kind: 'refused', problem };
  }

  /** @returns whether the end of the refused line was there */
  #swallow(): boolean {
    const end = this.#octets.indexOf(crlf, this.#at);
    if (end !== -1) {
      this.#at = end + crlf.length;
      this.#swallowing = false;
      return true;
    }
    // A CR at the very end may be half of the CRLF.
    this.#at = this.length > 0 && this.#octets.at(-1) === cr ? this.#octets.length - 1 : this.#octets.length;
    return false;
  }
}
