/** The header section of a mail as it goes back in a DSN (RFC 6522 §4: text/rfc822-headers). */

/** A longer one is cut: enough for any that people write, and a DSN stays small. */
const limitInOctets = 64 * 1024;
const crlf = '\r\n';

/** @param content a mail from its beginning. @returns whole fields with CRLF line ends, without the empty line */
export function headerSection(content: Uint8Array): Uint8Array {
  const start = Buffer.from(content.buffer, content.byteOffset, Math.min(content.byteLength, limitInOctets));
  const section = start.subarray(0, endOf(start, content.byteLength > limitInOctets)).toString('latin1');
  return Buffer.from(isSendable(section) ? section : sendable(section), 'latin1');
}

/** RFC 3834 §3.1.6: what an answer refers to. @returns undefined when it has none, or not one in that form */
export function messageIdOf(section: Uint8Array): string | undefined {
  return /^message-id:\s*(<[\x21-\x3b\x3d\x3f-\x7e]{1,250}>)\s*$/im.exec(
    Buffer.from(section.buffer, section.byteOffset, section.byteLength).toString('latin1'),
  )?.[1];
}

/** requiretls-field = "TLS-Required:" [FWS] "No" CRLF (RFC 8689 §3) */
export const asksForNoTls = (section: Uint8Array): boolean =>
  /^tls-required:(?:\r\n)?[ \t]*no[ \t]*\r?$/im.test(
    Buffer.from(section.buffer, section.byteOffset, section.byteLength).toString('latin1'),
  );

function endOf(start: Buffer, isCut: boolean): number {
  if (start.indexOf(crlf) === 0) return 0;
  const empty = start.indexOf(crlf + crlf);
  if (empty !== -1) return empty + crlf.length;
  return isCut ? lastFieldsEnd(start) : start.length;
}

/** Not in the middle of a folded field, unless there is but one. */
function lastFieldsEnd(start: Buffer): number {
  const last = start.lastIndexOf(crlf);
  for (let at = last; at > 0; at = start.lastIndexOf(crlf, at - 1)) {
    const next = start[at + crlf.length];
    if (next !== undefined && next !== space && next !== tab) return at + crlf.length;
  }
  return last === -1 ? 0 : last + crlf.length;
}

const space = 0x20;
const tab = 0x09;

const isSendable = (section: string): boolean =>
  (section === '' || section.endsWith(crlf)) && !/\0|\r(?!\n)|(?<!\r)\n|[^\n]{1000}/.test(section);

/** No next hop must have a reason to refuse what we made: no bare CR or LF, no NUL, no line that is too long. */
const sendable = (section: string): string =>
  section
    .split(crlf)
    .flatMap(
      (line) =>
        line
          .replaceAll(/[\0\r\n]/g, ' ')
          .match(pieces)
          ?.map(continued) ?? [],
    )
    .join(crlf) + crlf;

/** RFC 5322 §2.1.1: 998 octets, the space of a continuation among them. */
const pieces = /[^]{1,997}/g;
const continued = (piece: string, i: number): string => (i === 0 ? piece : ` ${piece}`);
