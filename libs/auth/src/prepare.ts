/**
 * Names and passwords in the one form in which they are compared: SASLprep (RFC 4013) on today's Unicode, by NFKC. What
 * is not assigned is not looked for.
 */
const otherSpaces = /[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]/g;
/** RFC 3454 table B.1 */
const mappedToNothing = /[\u00ad\u034f\u1806\u180b-\u180d\u200b-\u200d\u2060\ufe00-\ufe0f\ufeff]/gu;
/** RFC 3454 tables C.2.1, C.2.2, C.3 to C.8 */
const prohibited =
  /[\u0000-\u001f\u007f-\u009f\u06dd\u070f\u180e\u2028\u2029\u202a-\u202e\u2061-\u206f\ue000-\uf8ff\ufff9-\uffff\ufdd0-\ufdef]|[\ud800-\udfff](?![\udc00-\udfff])/;

/** @returns undefined for what holds a prohibited character, and for what is empty in the end */
export function prepared(text: string): string | undefined {
  const result = text.replace(otherSpaces, ' ').replace(mappedToNothing, '').normalize('NFKC');
  return result === '' || prohibited.test(result) ? undefined : result;
}
