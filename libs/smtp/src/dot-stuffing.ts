/** Dots at the beginning of lines are doubled on the way out (RFC 5321 §4.5.2). */
const dot = 0x2e;
const lf = 0x0a;
const cr = 0x0d;
const dotBuffer = Buffer.from('.');
const lineDot = Buffer.from('\r\n.');

/** Stuffs content that comes in pieces: what stands at their borders counts as in the whole. */
export class DotStuffer {
  /** The next octet begins a line. */
  atLineStart = true;
  #endsWithCr = false;

  /** @returns the piece as it goes out: itself where no line begins with a dot, else one copy */
  push(piece: Buffer): Buffer {
    if (piece.length === 0) return piece;
    const lead = this.#leadingDot(piece);
    let dots = lead === undefined ? 0 : 1;
    for (let at = piece.indexOf(lineDot); at !== -1; at = piece.indexOf(lineDot, at + 2)) dots++;
    this.#remember(piece);
    return dots === 0 ? piece : withDots(piece, dots, lead);
  }

  /** Where a dot belongs because of what the piece before ended with. */
  #leadingDot(piece: Buffer): number | undefined {
    if (this.atLineStart && piece[0] === dot) return 0;
    return this.#endsWithCr && piece[0] === lf && piece[1] === dot ? 1 : undefined;
  }

  #remember(piece: Buffer): void {
    const last = piece[piece.length - 1];
    const beforeIsCr = piece.length > 1 ? piece[piece.length - 2] === cr : this.#endsWithCr;
    this.atLineStart = last === lf && beforeIsCr;
    this.#endsWithCr = last === cr;
  }
}

function withDots(piece: Buffer, dots: number, lead: number | undefined): Buffer {
  const out = Buffer.allocUnsafe(piece.length + dots);
  let written = 0;
  let start = 0;
  const copyUpTo = (end: number): void => {
    written += piece.copy(out, written, start, end);
    start = end;
  };
  const add = (at: number): void => {
    copyUpTo(at);
    written += dotBuffer.copy(out, written);
  };
  if (lead !== undefined) add(lead);
  for (let at = piece.indexOf(lineDot); at !== -1; at = piece.indexOf(lineDot, at + 2)) add(at + 2);
  copyUpTo(piece.length);
  return out;
}

/** Whole content: the same buffer when no line begins with a dot. */
export const stuffed = (content: Buffer): Buffer => new DotStuffer().push(content);
