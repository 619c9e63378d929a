/**
 * Return-Path fields of others: where a mail is delivered there is one, of whoever delivers it (RFC 5321 §4.4). Works on
 * octets as they come, whatever the pieces are, and looks no further than the header section.
 */
const lf = 0x0a;
const cr = 0x0d;
const space = 0x20;
const tab = 0x09;
const colon = 0x3a;
const name = 'return-path';
const nothing = Buffer.alloc(0);

export class ReturnPathRemover {
  #inHeader = true;
  /** Where the octet to come stands: at the start of a line, or in one whose fate is decided. */
  #inLine = false;
  /** The field that the line belongs to is removed. */
  #removing = false;
  /** The start of a line that tells too little as yet. */
  #held: Buffer = nothing;

  /** Nothing of what comes is looked at any more, and nothing is held back. */
  get isPastHeader(): boolean {
    return !this.#inHeader;
  }

  /** @returns what is left of it, views where they can be */
  push(chunk: Uint8Array): Buffer {
    const piece = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    if (!this.#inHeader) return piece;
    const octets = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]);
    this.#held = nothing;
    return this.#scan(octets);
  }

  /** The mail is over. @returns what was held back */
  end(): Buffer {
    const rest = this.#held;
    this.#held = nothing;
    return rest;
  }

  #scan(octets: Buffer): Buffer {
    const kept: Buffer[] = [];
    let from = 0;
    let at = 0;
    while (this.#inHeader && at < octets.length) {
      if (!this.#inLine && !this.#decide(octets, at)) {
        this.#held = octets.subarray(at);
        break;
      }
      const end = octets.indexOf(lf, at) + 1 || octets.length;
      if (this.#removing) {
        if (from < at) kept.push(octets.subarray(from, at));
        from = end;
      }
      this.#inLine = octets[end - 1] !== lf;
      at = end;
    }
    const rest = octets.subarray(from, octets.length - this.#held.length);
    return kept.length === 0 ? rest : Buffer.concat([...kept, rest]);
  }

  /** What becomes of the line that begins there. @returns false when more octets are needed to say */
  #decide(octets: Buffer, at: number): boolean {
    const first = octets[at];
    // A folded line goes with its field (RFC 5322 §2.2.3).
    if (first === space || first === tab) return true;
    if (first === cr) {
      if (at + 1 === octets.length) return false;
      this.#inHeader = octets[at + 1] !== lf;
      this.#removing = false;
      return true;
    }
    const field = octets
      .subarray(at, at + name.length)
      .toString('latin1')
      .toLowerCase();
    if (name.startsWith(field)) {
      const next = octets[at + name.length];
      if (next === undefined) return false;
      // RFC 5322 §4.5.4: white space may stand before the colon.
      this.#removing = next === colon || next === space || next === tab;
    } else this.#removing = false;
    return true;
  }
}

/** All of a content at once. */
export function withoutReturnPath(content: Uint8Array): Buffer {
  const remover = new ReturnPathRemover();
  const first = remover.push(content);
  const rest = remover.end();
  return rest.length === 0 ? first : Buffer.concat([first, rest]);
}

/** A content piece by piece. */
export async function* returnPathRemoved(
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Buffer> {
  const remover = new ReturnPathRemover();
  for await (const chunk of content) {
    const left = remover.push(chunk);
    if (left.length > 0) yield left;
  }
  const rest = remover.end();
  if (rest.length > 0) yield rest;
}

/** How many octets are removed from a content, which is read as far as its header section goes. */
export async function returnPathInOctets(
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<number> {
  const remover = new ReturnPathRemover();
  let removed = 0;
  for await (const chunk of content) {
    removed += chunk.length - remover.push(chunk).length;
    if (remover.isPastHeader) return removed;
  }
  return removed - remover.end().length;
}
