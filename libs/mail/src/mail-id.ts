/**
 * The mail id: the same in `250 2.0.0 Ok: queued as ID`, Received, log, events and DSN.
 * 18 characters of digits and consonants (30 symbols, so no words by chance): 9 of milliseconds since the
 * epoch, so that ids sort by time, and 9 that no other process has (44 bits); 88 bits in all.
 * A part of a split envelope carries a suffix: `-1`, `-2`, ...
 */
export const alphabet = '0123456789bcdfghjklmnpqrstvwxz';
const radix = BigInt(alphabet.length);
const timeLength = 9;
const uniqueLength = 9;
/** Of an id without a suffix. */
export const idLength = timeLength + uniqueLength;
const uniqueSpace = radix ** BigInt(uniqueLength);

export type MailId = string;

/** What a mail id looks like, as a source for larger patterns. */
export const mailIdPattern = `[${alphabet}]{${idLength}}(?:-[0-9]{1,4})?`;
const wholeMailId = new RegExp(`^${mailIdPattern}$`);

export const isMailId = (text: string): boolean => wholeMailId.test(text);

/**
 * A source of mail ids for one process.
 * @param now milliseconds since the epoch
 * @param seed random octets, at least 6, drawn once a process start
 */
export function mailIdSource(now: () => number, seed: Uint8Array): () => MailId {
  // A counter that starts at a random place: two processes meet only by starting within each other's reach.
  let next = seed.reduce((sum, octet) => sum * 256n + BigInt(octet), 0n) % uniqueSpace;
  return () => {
    next = (next + 1n) % uniqueSpace;
    return inAlphabet(BigInt(Math.floor(now())), timeLength) + inAlphabet(next, uniqueLength);
  };
}

/**
 * An id that follows from its cause, so that a replay makes the same mail and not a second one.
 * @param at milliseconds since the epoch, the time the id sorts by
 * @param digest at least 6 octets of a hash over the cause
 */
export function derivedMailId(at: number, digest: Uint8Array): MailId {
  return mailIdSource(() => at, digest)();
}

/** The time inside a mail id, in milliseconds since the epoch. */
export function timeOfMailId(id: MailId): number {
  let time = 0n;
  for (const symbol of id.slice(0, timeLength)) time = time * radix + BigInt(alphabet.indexOf(symbol));
  return Number(time);
}

function inAlphabet(value: bigint, length: number): string {
  let text = '';
  for (let rest = value, i = 0; i < length; i++, rest /= radix)
    text = (alphabet[Number(rest % radix)] ?? '') + text;
  return text;
}
