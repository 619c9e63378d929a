/** The folder of a local recipient: a plain name, whatever the local part holds. */

/** Letters, digits and a few marks; no path can be made of it: no slash, no leading dot, no NUL, no control. */
const plainName = /^[A-Za-z0-9_+=~^-][A-Za-z0-9._+=~^-]{0,63}$/;

/** @returns undefined for a local part that is not to be a folder's name */
export function parseLocalPart(forwardPath: string): string | undefined {
  const at = forwardPath.lastIndexOf('@');
  const localPart = (at === -1 ? forwardPath : forwardPath.slice(0, at)).toLowerCase();
  return plainName.test(localPart) ? localPart : undefined;
}
