/** Dots at the beginning of lines are doubled on the way out (RFC 5321 §4.5.2). */
const dot = 0x2e;
const dotBuffer = Buffer.from('.');
const lineDot = Buffer.from('\r\n.');

/** Stuffs content that comes in pieces. */
export class DotStuffer {
  /** The last two octets so far, to know a line's beginning over a border. */
  #atLineStart = true;
  #endsWithCr = false;

  /** @returns the piece as it goes out: itself where nothing is to be added, never copied */
  push(piece: Buffer): readonly Buffer[] {
    if (piece.length === 0) return [];
    const parts: Buffer[] = [];
    let start = 0;
    if (piece[0] === dot && this.#atLineStart) parts.push(dotBuffer);
    else if (this.#endsWithCr && piece[0] === 0x0a && piece[1] === dot) {
      parts.push(piece.subarray(0, 1), dotBuffer);
      start = 1;
    }
    for (let found = piece.indexOf(lineDot, start); found !== -1; found = piece.indexOf(lineDot, start)) {
      parts.push(piece.subarray(start, found + 2), dotBuffer);
      start = found + 2;
    }
    parts.push(start === 0 ? piece : piece.subarray(start));
    this.#remember(piece);
    return parts;
  }

  #remember(piece: Buffer): void {
    const last = piece[piece.length - 1];
    const before = piece.length > 1 ? piece[piece.length - 2] : this.#endsWithCr ? 0x0d : undefined;
    this.#atLineStart = last === 0x0a && before === 0x0d;
    this.#endsWithCr = last === 0x0d;
  }
}

/** Whole content. */
export const stuffed = (content: Buffer): readonly Buffer[] => new DotStuffer().push(content);
