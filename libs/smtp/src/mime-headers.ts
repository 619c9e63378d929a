/**
 * Whether a mail has header fields that are not US-ASCII, at any level of its MIME structure (RFC 6531 §3.2, RFC 6532
 * §3.7): the header section, those of the parts of multiparts (RFC 2046 §5.1), and those of messages within. Works on
 * the content as it arrives, and keeps a line of it at most.
 */
const lf = 0x0a;
/** RFC 5322 §2.1.1 has 998; what is behind it is read as text. */
const lineInOctets = 1000;
/** Of a field Content-Type, unfolded. */
const fieldInOctets = 4000;
/** Multiparts within multiparts that are followed. */
const deepest = 50;

export class MimeHeaders {
  /** A field at some level is not US-ASCII. */
  eightBit = false;
  #line = '';
  #inHeader = true;
  /** The field that is being read. */
  #field = '';
  /** Of the part whose header is being read; text/plain where there is none (RFC 2045 §5.2). */
  #contentType = '';
  /** Of the multiparts that are open, the innermost last. */
  readonly #boundaries: string[] = [];

  /** @param piece the next octets of the content, lines ended by CRLF, not dot-stuffed */
  feed(piece: Buffer): void {
    if (this.eightBit) return;
    let from = 0;
    for (let end = piece.indexOf(lf); end !== -1; end = piece.indexOf(lf, from)) {
      this.#add(piece, from, end);
      from = end + 1;
      this.#lineEnded(this.#line.replace(/\r$/, ''));
      this.#line = '';
    }
    this.#add(piece, from, piece.length);
  }

  #add(piece: Buffer, from: number, to: number): void {
    const room = lineInOctets - this.#line.length;
    if (room > 0) this.#line += piece.toString('latin1', from, Math.min(to, from + room));
  }

  #lineEnded(line: string): void {
    if (this.#boundaries.length > 0 && line.startsWith('--') && this.#delimited(line)) return;
    if (this.#inHeader) this.#headerLine(line);
  }

  #headerLine(line: string): void {
    if (line === '') {
      this.#fieldEnded();
      this.#headerEnded();
      return;
    }
    if (/[^\0-\x7f]/.test(line)) this.eightBit = true;
    if (!/^[ \t]/.test(line)) this.#fieldEnded();
    if (this.#field.length < fieldInOctets) this.#field += line;
  }

  #fieldEnded(): void {
    const [, type] = /^content-type[ \t]*:(.*)$/is.exec(this.#field) ?? [];
    this.#contentType = type ?? this.#contentType;
    this.#field = '';
  }

  #headerEnded(): void {
    const type = this.#contentType.trim().toLowerCase();
    const boundary = type.startsWith('multipart/') ? boundaryOf(this.#contentType) : undefined;
    if (boundary !== undefined && this.#boundaries.length < deepest) this.#boundaries.push(boundary);
    // What is encoded has no such lines (RFC 6532 §3.5), and finds no end either.
    this.#inHeader = /^message\/(?:rfc822|global)\b/.test(type);
    this.#contentType = '';
  }

  /** delimiter = CRLF "--" boundary, close-delimiter = delimiter "--" (RFC 2046 §5.1.1) */
  #delimited(line: string): boolean {
    const text = line.slice(2).trimEnd();
    const open = this.#boundaries.lastIndexOf(text);
    const closed = text.endsWith('--') ? this.#boundaries.lastIndexOf(text.slice(0, -2)) : -1;
    if (open === -1 && closed === -1) return false;
    this.#boundaries.length = open === -1 ? closed : open + 1;
    this.#inHeader = open !== -1;
    this.#field = this.#contentType = '';
    return true;
  }
}

function boundaryOf(contentType: string): string | undefined {
  const [, quoted, plain] =
    /;[ \t]*boundary[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s;"()]+))/i.exec(contentType) ?? [];
  const boundary = quoted?.replace(/\\(.)/g, '$1') ?? plain;
  return boundary === '' ? undefined : boundary;
}
