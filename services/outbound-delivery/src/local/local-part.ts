/** The folder of a local recipient: a plain name, whatever the local part holds. */

/** Letters, digits and a few marks: no slash, no leading dot, no control; no name that is not a folder of its own. */
const plainName = /^[a-z0-9_+=~^-][a-z0-9._+=~^-]{0,63}$/;

/**
 * Departs from RFC 5321 §2.4: local parts of ours are the same in upper and lower case, as everywhere.
 * @param forwardPath mailbox without angle brackets
 * @returns undefined for a local part that is not to be a folder's name
 */
export function folderOf(forwardPath: string): string | undefined {
  const at = forwardPath.lastIndexOf('@');
  const localPart = (at === -1 ? forwardPath : forwardPath.slice(0, at)).toLowerCase();
  return plainName.test(localPart) ? localPart : undefined;
}
