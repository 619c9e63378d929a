/**
 * Replies of a server, as a client reads them (RFC 5321 §4.2): incremental, several in one chunk, multiline. Tolerates
 * what real servers send - a line end of LF alone, a code without text, a line over 512 octets - and bounds what it keeps.
 */
import type { EnhancedStatus } from './reply.js';

export interface ServerReply {
  /** Of the last line: 200 to 599. */
  readonly code: number;
  /** Texts of the lines, without codes and control characters; the first ones, when there are very many. */
  readonly lines: readonly string[];
}

/** The server says something that is no reply; nothing after it can be trusted. */
export class MalformedReply extends Error {}

/** RFC 5321 §4.5.3.1.5 sets 512 octets a line; servers with long texts go over. */
const lineLimit = 4096;
/** An EHLO reply has 30; a text of some lines is all that a diagnostic shows. */
const linesKept = 100;
const linesLimit = 1000;
/** What a diagnostic quotes of a reply, characters: enough for a URL or two. */
const textLimit = 400;

const lf = 0x0a;
const cr = 0x0d;
const space = 0x20;
const tab = 0x09;
const hyphen = 0x2d;
const zero = 0x30;

export class ReplyReader {
  /** The beginning of a line whose end has not come yet. */
  #rest: Buffer | undefined;
  #lines: string[] = [];
  #count = 0;

  /** Part of a reply has come, and not yet its end. */
  get midway(): boolean {
    return this.#rest !== undefined || this.#count > 0;
  }

  /**
   * @param take is given each reply that is complete with this chunk
   * @throws MalformedReply, after the replies before it were given
   */
  push(chunk: Buffer, take: (reply: ServerReply) => void): void {
    const octets = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk;
    this.#rest = undefined;
    let start = 0;
    for (let end = octets.indexOf(lf); end !== -1; end = octets.indexOf(lf, start)) {
      this.#line(octets.subarray(start, end), take);
      start = end + 1;
    }
    if (start === octets.length) return;
    // A copy: the chunk belongs to whoever read it.
    this.#rest = Buffer.from(octets.subarray(start));
    if (this.#rest.length > lineLimit) throw tooLong();
  }

  /** Reply-line (RFC 5321 §4.2): code, then SP and text, or nothing; with a hyphen another line follows. */
  #line(line: Buffer, take: (reply: ServerReply) => void): void {
    if (line.length > lineLimit) throw tooLong();
    const end = lengthWithoutEnd(line);
    const code = codeOf(line);
    const separator = end > 3 ? (line[3] ?? 0) : space;
    if (code === undefined || end < 3 || !(separator === space || separator === hyphen || separator === tab))
      throw new MalformedReply(`not a reply: ${printable(line.toString('utf8', 0, 100)).trimEnd()}`);
    if (++this.#count > linesLimit) throw new MalformedReply(`a reply of over ${linesLimit} lines`);
    if (this.#lines.length < linesKept)
      this.#lines.push(printable(line.toString('utf8', 4, Math.max(4, end))));
    if (separator === hyphen) return;
    const reply = { code, lines: this.#lines };
    this.#lines = [];
    this.#count = 0;
    take(reply);
  }
}

const tooLong = (): MalformedReply => new MalformedReply(`a reply line of over ${lineLimit} octets`);

function lengthWithoutEnd(line: Buffer): number {
  let end = line.length;
  while (end > 0 && (line[end - 1] === cr || line[end - 1] === space)) end--;
  return end;
}

/** Reply-code (RFC 5321 §4.2): %x32-35 %x30-35 %x30-39; the second digit is not held to it. */
function codeOf(line: Buffer): number | undefined {
  const [first, second, third] = [digit(line[0]), digit(line[1]), digit(line[2])];
  if (first < 2 || first > 5 || second < 0 || third < 0) return undefined;
  return first * 100 + second * 10 + third;
}

function digit(octet: number | undefined): number {
  const value = (octet ?? 0) - zero;
  return value >= 0 && value <= 9 ? value : -1;
}

const control = /[\u0000-\u001f\u007f-\u009f]/g;
const printable = (text: string): string => text.replace(control, '?');

const enhancedCode = /^([245])\.[0-9]{1,3}\.[0-9]{1,3}(?= |$)/;

/** The enhanced status in a reply's text, when its class fits the code (RFC 2034 §4); the last line's counts. */
export function enhancedStatusOf({ code, lines }: ServerReply): EnhancedStatus | undefined {
  const match = enhancedCode.exec(lines[lines.length - 1] ?? '');
  if (match === null || Number(match[1]) !== Math.floor(code / 100)) return undefined;
  return match[0] as EnhancedStatus;
}

/** One line: `550 5.1.1 No such user`; an enhanced status that each line repeats stands once. */
export function serverReplyText({ code, lines }: ServerReply): string {
  const [first = '', ...more] = lines;
  const texts = more.map((line) => line.replace(enhancedCode, '').trim());
  const text = [String(code), first.trim(), ...texts].filter((part) => part !== '').join(' ');
  return text.length <= textLimit ? text : `${text.slice(0, textLimit - 1)}…`;
}
