/** Messages from programs: line ends, and the fields that RFC 5322 §3.6 wants (RFC 6409 §8.1-8.3). */
import { randomBytes } from 'node:crypto';
import { dateTime } from '@postrider/mail';

export interface MessageOptions {
  readonly from: string;
  readonly to: readonly string[];
  readonly subject: string;
  readonly hostname: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

export function testMessage(options: MessageOptions): Uint8Array {
  const header = [`To: ${options.to.join(', ')}`, `Subject: ${options.subject}`];
  return withHeader(
    Buffer.from(`${header.join('\n')}\n\nSent by 'postrider send' to see whether mail flows.\n`),
    options,
  );
}

/** CRLF line ends, and From, Date and Message-ID where they are missing. */
export function withHeader(message: Uint8Array, { from, hostname, at }: MessageOptions): Uint8Array {
  const text = crlf(Buffer.from(message));
  const header = headerOf(text).toLowerCase();
  const has = (name: string): boolean => header.startsWith(`${name}:`) || header.includes(`\r\n${name}:`);
  const added = [
    ...(has('from') ? [] : [`From: ${from}`]),
    ...(has('date') ? [] : [`Date: ${dateTime(at)}`]),
    ...(has('message-id')
      ? []
      : [`Message-ID: <${at.toString(36)}.${randomBytes(8).toString('hex')}@${hostname}>`]),
  ];
  // A message that begins with its body gets the empty line that ends a header.
  const separator = looksLikeHeader(text) ? '' : '\r\n';
  return Buffer.concat([Buffer.from(added.map((line) => `${line}\r\n`).join('') + separator), text]);
}

/** LF and CRLF become CRLF, a CR alone too; the last line gets an end (RFC 5321 §2.3.8). */
export function crlf(message: Buffer): Buffer {
  const text = message
    .toString('latin1')
    .replaceAll(/\r\n|\r|\n/g, '\r\n')
    .replaceAll('\0', '');
  return Buffer.from(text === '' || text.endsWith('\r\n') ? text : `${text}\r\n`, 'latin1');
}

export function headerOf(message: Buffer): string {
  const end = message.indexOf('\r\n\r\n');
  return message.toString('latin1', 0, end === -1 ? message.length : end + 2);
}

const looksLikeHeader = (message: Buffer): boolean =>
  /^(?:[!-9;-~]+[ \t]*:|\r\n)/.test(message.toString('latin1', 0, 1000));
