/** The folder of a local recipient: a plain name, whatever the local part holds. */

/** Letters of any script (RFC 6531 §3.3), digits and a few marks: no slash, no leading dot, no control; no name that is not a folder of its own. */
const plainName = /^[\p{Ll}\p{Lo}\p{N}_+=~^-][\p{Ll}\p{Lo}\p{Lm}\p{M}\p{N}._+=~^-]{0,63}$/u;

/**
 * Departs from RFC 5321 §2.4: local parts of ours are the same in upper and lower case, as everywhere.
 * @param forwardPath mailbox without angle brackets
 * @returns undefined for a local part that is not to be a folder's name
 */
export function folderOf(forwardPath: string): string | undefined {
  const at = forwardPath.lastIndexOf('@');
  const localPart = (at === -1 ? forwardPath : forwardPath.slice(0, at)).normalize('NFC').toLowerCase();
  return plainName.test(localPart) ? localPart : undefined;
}
