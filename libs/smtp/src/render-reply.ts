/** Replies as they go over the wire (RFC 5321 §4.2) and as one line for logs and events. */
import { limits } from './limits.js';
import type { EnhancedStatus, Reply } from './reply.js';

const codeLength = 'xyz '.length;
const crlfLength = 2;
/** textstring = 1*(%d09 / %d32-126) (RFC 5321 §4.2) */
const notTextstring = /[^\t\x20-\x7e]/g;
const hasNotTextstring = /[^\t\x20-\x7e]/;

/** A reply with an enhanced status, which must agree in its class (RFC 2034 §4). */
export function reply(
  code: number,
  enhanced: EnhancedStatus,
  ...lines: readonly [string, ...string[]]
): Reply {
  return { code, enhanced, lines };
}

/** A reply of those that RFC 2034 §4 exempts: greeting, EHLO, HELO, and 3yz. */
export function plainReply(code: number, ...lines: readonly [string, ...string[]]): Reply {
  return { code, lines };
}

/**
 * The reply with its line ends. What is no textstring becomes `?`, and a text too long for a line goes on in the
 * next, so that nothing a peer or a table gave us can break the form.
 */
export function renderReply({ code, enhanced, lines, utf8 }: Reply): string {
  const status = enhanced === undefined ? '' : `${enhanced} `;
  const room = limits.replyLine - codeLength - status.length - crlfLength;
  const first = lines[0];
  if (lines.length === 1 && first.length <= room && !hasNotTextstring.test(first))
    return `${code} ${status}${first}\r\n`;
  const texts = lines
    .flatMap((line) => folded(line.replace(utf8 === true ? /\p{C}/gu : notTextstring, '?'), room))
    .map((line) => (utf8 === true ? Buffer.from(line, 'utf8').toString('latin1') : line));
  // The same status stands on each line (RFC 2034 §4).
  return texts.map((text, i) => `${code}${i < texts.length - 1 ? '-' : ' '}${status}${text}\r\n`).join('');
}

/** `550 5.1.1 No such user`, one line. */
export function replyText({ code, enhanced, lines }: Reply): string {
  const status = enhanced === undefined ? '' : `${enhanced} `;
  return `${code} ${status}${lines.join(' ')}`.replace(notTextstring, '?');
}

function folded(text: string, room: number): string[] {
  if (text.length <= room) return [text];
  return [text.slice(0, room), ...folded(text.slice(room), room)];
}
