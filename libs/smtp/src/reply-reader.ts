/**
 * Replies of a server, as a client reads them (RFC 5321 §4.2): incremental, several at once, multiline. Tolerates what
 * real servers send - LF alone, no text - and bounds what it keeps.
 */
import type { EnhancedStatus } from './reply.js';

export interface ServerReply {
  readonly code: number;
  /** Of the last line, when its class fits the code (RFC 2034 §4). */
  readonly enhanced?: EnhancedStatus;
  /** Texts of the lines without codes; at most as many as `linesKept`. */
  readonly lines: readonly string[];
}

/** The server says something that is no reply; nothing after it can be trusted. */
export class MalformedReply extends Error {}

/** RFC 5321 §4.5.3.1.5 sets 512 octets a line; some servers go over. */
const lineLimit = 4096;
const linesKept = 100;
const linesLimit = 1000;
const lf = 0x0a;

const replyLine = /^([2-5][0-9]{2})(?:([ -])(.*))?$/s;
const enhancedCode = /^([245])\.([0-9]{1,3})\.([0-9]{1,3})(?= |$)/;

export class ReplyReader {
  #rest: Buffer | undefined;
  #lines: string[] = [];
  #count = 0;

  /** @returns the replies that are complete with this chunk; @throws MalformedReply */
  push(chunk: Buffer): readonly ServerReply[] {
    const octets = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk;
    const replies: ServerReply[] = [];
    let start = 0;
    for (let end = octets.indexOf(lf); end !== -1; end = octets.indexOf(lf, start)) {
      const reply = this.#line(octets.toString('latin1', start, end).trimEnd());
      if (reply) replies.push(reply);
      start = end + 1;
    }
    this.#rest = start < octets.length ? Buffer.from(octets.subarray(start)) : undefined;
    if ((this.#rest?.length ?? 0) > lineLimit)
      throw new MalformedReply(`a reply line of over ${lineLimit} octets`);
    return replies;
  }

  #line(text: string): ServerReply | undefined {
    const match = replyLine.exec(text);
    if (!match) throw new MalformedReply(`not a reply: ${text.slice(0, 100)}`);
    if (++this.#count > linesLimit) throw new MalformedReply(`a reply of over ${linesLimit} lines`);
    const said = match[3] ?? '';
    if (this.#lines.length < linesKept) this.#lines.push(said);
    if (match[2] === '-') return undefined;
    const reply = replyOf(Number(match[1]), said, this.#lines);
    this.#lines = [];
    this.#count = 0;
    return reply;
  }
}

function replyOf(code: number, last: string, lines: readonly string[]): ServerReply {
  const match = enhancedCode.exec(last);
  const fits = match?.[1] !== undefined && Number(match[1]) === Math.floor(code / 100);
  return fits ? { code, enhanced: match[0] as EnhancedStatus, lines } : { code, lines };
}

/** One line: `550 5.1.1 No such user`. */
export const serverReplyText = ({ code, lines }: ServerReply): string =>
  `${code} ${lines.join(' / ')}`.trimEnd();
