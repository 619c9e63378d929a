/** Text of strangers made fit to stand in a mail: it can't begin a field, a line or a part of its own. */

/** What a DSN quotes of one text, characters: more than any reply line, and a header line stays below 998 octets. */
const quotedLimit = 900;

/** One line of printable US-ASCII, for header fields. */
export const asciiLine = (text: string): string => textLine(text).replaceAll(/[^\x20-\x7e]/gu, '?');

/** One line in any script, for people: without controls, line separators and what turns the direction of writing. */
export const textLine = (text: string): string =>
  text
    .replaceAll(/[\s\p{C}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim()
    .slice(0, quotedLimit);

/** One line, in any script if that stays within a header line (RFC 6532 §3.4: 998 octets). */
export const asciiOrUtf8 = (text: string): string => {
  const line = textLine(text);
  return Buffer.byteLength(line) <= quotedLimit ? line : asciiLine(text);
};

/** Lines of that many characters at most where there are spaces, and of `wordLimit` where there are none. */
export function wrapped(text: string, indent: string): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap(pieces)) {
    if (line !== '' && indent.length + line.length + 1 + word.length > lineLength) {
      lines.push(indent + line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, indent + line];
}

/**
 * A header field over several lines (RFC 5322 §2.2.3).
 * @param field without runs of spaces
 */
export const folded = (field: string): readonly string[] =>
  wrapped(field, '').map((line, i) => (i === 0 ? line : ` ${line}`));

/** RFC 5322 §2.1.1: 78 without the line end. */
const lineLength = 77;
/** Four octets a character at most, and a line has 998 (RFC 5322 §2.1.1); an ordinary URL stays whole. */
const wordLimit = 240;

const pieces = (word: string): readonly string[] =>
  word.length <= wordLimit ? [word] : (word.match(/[^]{1,240}/gu) ?? []);
