/** UTF-8 in commands and addresses (RFC 6531, RFC 6532 §3.1). */
const ascii = /^[\x00-\x7f]*$/;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export const isAscii = (text: string): boolean => ascii.test(text);

/** @param octets an octet a character, as lines are read. @returns undefined for what is no UTF-8 */
export function utf8Text(octets: string): string | undefined {
  if (isAscii(octets)) return octets;
  try {
    return decoder.decode(Buffer.from(octets, 'latin1'));
  } catch {
    return undefined;
  }
}

/** Octets of the text as UTF-8. */
export const octetsIn = (text: string): number => (isAscii(text) ? text.length : Buffer.byteLength(text));
