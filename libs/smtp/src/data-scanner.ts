/**
 * Mail data as it comes (RFC 5321 §4.1.1.4, §4.5.2): finds the end, takes the stuffed dots out, counts Received
 * fields. Only CRLF.CRLF ends the data; the CRLF of the DATA command counts as the first (RFC 5321 §4.1.1.4). A bare
 * CR, a bare LF or a NUL spoils the mail: nothing more is given on, and the rest is swallowed up to the real end.
 * Works on octets as they arrive, whatever the packets are, and gives views of them: no octet is copied.
 */
export type DataProblem = 'bare-cr' | 'bare-lf' | 'nul' | 'long-line';

export interface DataRules {
  /**
   * chunks: the data ends where the client says so, and a dot is a dot (RFC 3030 §2); binary: and below the header
   * section anything may stand (RFC 3030 §3). Default dots.
   */
  readonly framing?: 'dots' | 'chunks' | 'binary' | undefined;
  /** Octets of a text line with its CRLF, without a stuffed dot (RFC 5321 §4.5.3.1.6). Default: as many as come. */
  readonly longestLine?: number | undefined;
}

const nul = 0x00;
const lf = 0x0a;
const cr = 0x0d;
const dot = 0x2e;
/** The last of US-ASCII. */
const delete7bit = 0x7f;
const crlf = Buffer.from('\r\n');
const receivedField = Buffer.from('received:');

/** Where the octet to come stands. */
type Place =
  | 'line-start'
  | 'in-line'
  /** After a CR. */
  | 'after-cr'
  /** After a CR that began the line: an empty line, if a LF follows. */
  | 'after-cr-at-start'
  /** After a dot that began the line. It is never content: stuffed, or the end. */
  | 'after-dot'
  | 'after-dot-cr';

export class DataScanner {
  problem: DataProblem | undefined;
  /** Received fields in the header section. */
  receivedFields = 0;
  /** The header section is not US-ASCII alone (RFC 6532). */
  eightBitHeader = false;
  readonly #keep: (piece: Buffer) => void;
  readonly #stuffed: boolean;
  readonly #binary: boolean;
  #place: Place = 'line-start';
  #inHeader = true;
  /** Octets of `received:` that this header line has matched; -1 when it is another field. */
  #matched = -1;
  readonly #longestLine: number;
  /** Where the line begins in the chunk; below 0: in one before. */
  #lineFrom = 0;
  /** The chunk that is looked at, for four octets at a time. */
  #octets: DataView = new DataView(new ArrayBuffer(0));

  /** @param keep takes content piece by piece */
  constructor(keep: (piece: Buffer) => void, { framing = 'dots', longestLine = Infinity }: DataRules = {}) {
    this.#keep = keep;
    this.#longestLine = longestLine;
    this.#stuffed = framing === 'dots';
    this.#binary = framing === 'binary';
  }

  /** @returns how many octets of the chunk were mail data and its end, or -1 when the end is not there yet */
  scan(chunk: Buffer): number {
    this.#octets = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const octet = chunk[at] ?? nul;
      switch (this.#place) {
        case 'in-line':
          if (octet > cr) at = this.#matched >= 0 ? this.#matchField(chunk, at) : this.#skipText(chunk, at);
          else this.#control(octet);
          break;
        case 'line-start':
          if (octet === dot && this.#stuffed) {
            this.#give(chunk, from, at);
            from = this.#lineFrom = at + 1;
            this.#place = 'after-dot';
          } else this.#beginLine(octet);
          break;
        case 'after-dot':
          if (octet === cr) this.#place = 'after-dot-cr';
          else this.#beginLine(octet);
          break;
        case 'after-dot-cr':
          if (octet === lf) return at + 1;
          this.#problem('bare-cr');
          this.#control(octet);
          break;
        default:
          this.#afterCr(octet, at);
      }
    }
    this.#lineFrom -= chunk.length;
    if (-this.#lineFrom > this.#longestLine) this.#problem('long-line');
    // A CR after the dot is content only of a mail that is spoilt by then.
    if (this.#place !== 'after-dot-cr') this.#give(chunk, from, chunk.length);
    return -1;
  }

  /** The last chunk is over: its last line is ended if the client has not done so. */
  end(): void {
    if (this.#stuffed || this.#place === 'line-start' || (this.#binary && !this.#inHeader)) return;
    if (this.#place === 'in-line') this.#give(crlf, 0, crlf.length);
    else this.#problem('bare-cr');
  }

  #beginLine(octet: number): void {
    this.#matched = -1;
    if (octet === cr) this.#place = 'after-cr-at-start';
    else if (octet <= cr) this.#control(octet);
    else {
      this.#place = 'in-line';
      if (this.#inHeader) this.#matched = 0;
      this.#match(octet);
    }
  }

  /** CR, LF and NUL within a line; another control character is text. */
  #control(octet: number): void {
    this.#matched = -1;
    this.#place = octet === cr ? 'after-cr' : 'in-line';
    if (octet === lf) this.#problem('bare-lf');
    if (octet === nul) this.#problem('nul');
  }

  #afterCr(octet: number, at: number): void {
    if (octet !== lf) {
      this.#problem('bare-cr');
      this.#control(octet);
      return;
    }
    if (at + 1 - this.#lineFrom > this.#longestLine) this.#problem('long-line');
    this.#lineFrom = at + 1;
    if (this.#place === 'after-cr-at-start') this.#inHeader = false;
    this.#place = 'line-start';
  }

  /** @returns the place of the last octet that was looked at */
  #matchField(chunk: Buffer, start: number): number {
    let at = start;
    for (; this.#matched >= 0 && at < chunk.length; at++) {
      const octet = chunk[at] ?? nul;
      if (octet <= cr) return at - 1;
      this.#match(octet);
    }
    return this.#skipText(chunk, at);
  }

  /** @returns the place of the last octet that needs no look at where it stands */
  #skipText(chunk: Buffer, start: number): number {
    if (!this.#inHeader) return this.#skipLines(chunk, start);
    const end = skipText(chunk, this.#octets, start);
    if (!this.eightBitHeader)
      for (let at = start; at <= end; at++) if ((chunk[at] ?? nul) > delete7bit) this.eightBitHeader = true;
    return end;
  }

  /** Whole lines of the body, each followed by another that begins with text: nothing changes with them. */
  #skipLines(chunk: Buffer, start: number): number {
    for (let at = start; ; at += 2) {
      at = skipText(chunk, this.#octets, at) + 1;
      const next = chunk[at + 2] ?? nul;
      if (next <= cr || next === dot || chunk[at] !== cr || chunk[at + 1] !== lf) return at - 1;
      if (at + 2 - this.#lineFrom > this.#longestLine) this.#problem('long-line');
      this.#lineFrom = at + 2;
    }
  }

  #match(octet: number): void {
    if (octet > delete7bit && this.#inHeader) this.eightBitHeader = true;
    if (this.#matched < 0) return;
    const lower = octet >= 0x41 && octet <= 0x5a ? octet | 0x20 : octet;
    this.#matched = lower === receivedField[this.#matched] ? this.#matched + 1 : -1;
    if (this.#matched < receivedField.length) return;
    this.receivedFields++;
    this.#matched = -1;
  }

  #problem(problem: DataProblem): void {
    if (!this.#binary || this.#inHeader) this.problem ??= problem;
  }

  #give(chunk: Buffer, from: number, to: number): void {
    if (from < to && this.problem === undefined) this.#keep(chunk.subarray(from, to));
  }
}

/**
 * Four octets at a time: of the most of a mail this is all that is done. `(word - 0x0e0e0e0e) & ~word` has the highest bit
 * of an octet set where that octet is below 0x0e, or stands above one that is: both end the skipping by words.
 *
 * @param octets of the whole chunk
 * @returns the place of the last octet before a control character
 */
function skipText(chunk: Buffer, octets: DataView, start: number): number {
  let at = start;
  for (const last = octets.byteLength - 4; at <= last; at += 4) {
    const word = octets.getInt32(at, true);
    if (((word - 0x0e0e0e0e) & ~word & 0x80808080) !== 0) break;
  }
  while (at < chunk.length && (chunk[at] ?? nul) > cr) at++;
  return at - 1;
}
