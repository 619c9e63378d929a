/**
 * Fields that a submitted mail lacks and must have (RFC 5322 §3.6), and who it says it is from: RFC 6409 §8 lets a
 * submission server add Date and Message-ID, and §6.1 asks for a sender that the identity may use. A From that is
 * missing is the sender of MAIL.
 */
import { localDateTime } from './trace-field.js';

export interface NewMail {
  readonly id: string;
  readonly hostname: string;
  /** Reverse-path, for From; '' for none. */
  readonly sender: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

const crlfcrlf = Buffer.from('\r\n\r\n');
const fieldName = /^([\x21-\x39\x3b-\x7e]+)[ \t]*:/;

/** Name in lower case and value unfolded, of each field at the beginning of a mail. */
export function headerFields(content: Buffer): readonly (readonly [string, string])[] {
  const empty = content.subarray(0, 2).toString('latin1') === '\r\n';
  const end = content.indexOf(crlfcrlf);
  const text = empty ? '' : content.toString('latin1', 0, end === -1 ? content.length : end);
  const fields: [string, string][] = [];
  for (const line of text.split('\r\n')) {
    const last = fields.at(-1);
    const match = fieldName.exec(line);
    if (/^[ \t]/.test(line) && last) last[1] += line;
    else if (match?.[1] !== undefined) fields.push([match[1].toLowerCase(), line.slice(match[0].length)]);
    // What is no field begins the body.
    else break;
  }
  return fields;
}

/** Whether the header section ends within this beginning of a mail; the last line may be cut. */
export function holdsHeader(content: Buffer): boolean {
  const lines = content
    .toString('latin1', 0, content.lastIndexOf('\r\n') + 2)
    .split('\r\n')
    .slice(0, -1);
  return lines.some((line) => !fieldName.test(line) && !/^[ \t]/.test(line));
}

/** @returns fields to put on top, an octet a character, with line ends; '' when nothing is missing */
export function missingFields(content: Buffer, { id, hostname, at, sender }: NewMail): string {
  const fields = headerFields(content);
  const names = new Set(fields.map(([name]) => name));
  return (
    // RFC 6409 §8.3
    (names.has('message-id') ? '' : `Message-ID: <${id}@${hostname}>\r\n`) +
    // RFC 6409 §8.2
    (names.has('date') ? '' : `Date: ${localDateTime(at)}\r\n`) +
    // RFC 5322 §3.6.2: as MAIL says, which has been checked.
    (names.has('from') || sender === '' ? '' : `From: <${Buffer.from(sender).toString('latin1')}>\r\n`) +
    // Without any field the first line of the body would be read as one.
    (fields.length === 0 && !content.subarray(0, 2).equals(crlfcrlf.subarray(2)) ? '\r\n' : '')
  );
}

const comment = /\((?:[^()\\]|\\.)*\)/g;
const displayName = /"(?:[^"\\]|\\.)*"(?=\s*<)/g;

/**
 * There is one From field, and somebody is named in it (RFC 5322 §3.6, §3.6.2); RFC 6409 §6.3 lets what is otherwise be
 * refused.
 * @returns what is wrong with it
 */
export function problemOfFrom(content: Buffer, { sender }: Pick<NewMail, 'sender'>): string | undefined {
  const [from, ...others] = headerFields(content).filter(([name]) => name === 'from');
  if (others.length > 0) return 'From is given more than once';
  if (!from) return sender === '' ? 'From is missing' : undefined;
  return addressesIn(from[1]).length === 0 ? 'From names no address' : undefined;
}

/** Addresses of From and Sender (RFC 5322 §3.6.2), as written. */
export function authorsOf(content: Buffer): readonly string[] {
  return headerFields(content)
    .filter(([name]) => name === 'from' || name === 'sender')
    .flatMap(([, value]) => addressesIn(value));
}

/** mailbox-list (RFC 5322 §3.4): what stands in angle brackets, else the whole of each part. */
function addressesIn(value: string): readonly string[] {
  const plain = value.replace(comment, ' ').replace(displayName, ' ');
  const angles = [...plain.matchAll(/<([^<>]*)>/g)].map((match) => match[1] ?? '');
  const others = plain.replace(/[^,;:]*<[^<>]*>/g, '').split(/[,;:]/);
  return [...angles, ...others].map((text) => text.trim()).filter((text) => text.includes('@'));
}
