/**
 * Content as a list of pieces. Large ones are kept as the views they are; small ones are gathered in blocks, so that
 * a client that sends octet by octet costs no more memory than another.
 */
const small = 512;
const blockInOctets = 8 * 1024;

export class Pieces {
  octets = 0;
  #pieces: Buffer[] = [];
  #block: Buffer | undefined;
  #filled = 0;

  push(piece: Buffer): void {
    this.octets += piece.length;
    // The first is the trace field mostly, and what follows is large: a block would be for it alone.
    if (piece.length >= small || this.octets === piece.length) {
      this.#endBlock();
      this.#pieces.push(piece);
    } else this.#gather(piece);
  }

  /** All pieces in order; the list is empty afterwards. */
  takeAll(): Buffer[] {
    this.#endBlock();
    const pieces = this.#pieces;
    this.#pieces = [];
    this.octets = 0;
    return pieces;
  }

  #gather(piece: Buffer): void {
    if (this.#block && this.#filled + piece.length > this.#block.length) this.#endBlock();
    this.#block ??= Buffer.allocUnsafe(blockInOctets);
    this.#filled += piece.copy(this.#block, this.#filled);
  }

  #endBlock(): void {
    if (this.#block && this.#filled > 0) this.#pieces.push(this.#block.subarray(0, this.#filled));
    this.#block = undefined;
    this.#filled = 0;
  }
}
