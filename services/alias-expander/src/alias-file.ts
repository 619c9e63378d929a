/**
 * Alias files in the form of aliases(5): `name: member, member`, lines that begin with a space go on, `#` begins a comment.
 * Refused with file and line: `:include:`, `|program` and `/file`, which are not there yet, and what is no address.
 */
import { isMailbox } from '@postrider/smtp';

export interface AliasEntry {
  /** Lower case; a local part, or a whole address. */
  readonly name: string;
  readonly members: readonly string[];
}

export class AliasFileError extends Error {}

/** Names are compared without case, so they are kept so; quotes stay only where an address needs them too. */
function nameOf(text: string): string {
  const name = text.trim().toLowerCase();
  const plain = unquote(name);
  return isName(plain) ? plain : name;
}

/** @param file for messages; @throws AliasFileError naming file and line */
export function parseAliasFile(text: string, file: string): readonly AliasEntry[] {
  const entries: AliasEntry[] = [];
  const seen = new Map<string, number>();
  for (const { line, content } of logicalLines(text)) {
    const at = `${file}:${line}`;
    const colon = unquotedIndex(content, ':');
    if (colon < 1)
      throw new AliasFileError(`${at}: needs 'name: address, address', as in 'info: ann, bob@example.org'`);
    const name = nameOf(content.slice(0, colon));
    if (!isName(name)) throw new AliasFileError(`${at}: '${name}' is no local part and no address`);
    const known = seen.get(name);
    if (known !== undefined) throw new AliasFileError(`${at}: '${name}' stands in line ${known} already`);
    seen.set(name, line);
    entries.push({ name, members: membersOf(content.slice(colon + 1), at) });
  }
  return entries;
}

function membersOf(text: string, at: string): readonly string[] {
  const members = splitUnquoted(text)
    .map((member) => member.trim())
    .filter((member) => member !== '');
  if (members.length === 0) throw new AliasFileError(`${at}: names nobody after the colon`);
  for (const member of members) {
    const plain = unquote(member);
    if (plain.startsWith(':include:'))
      throw new AliasFileError(`${at}: ':include:' is not there yet: name the addresses`);
    if (plain.startsWith('|')) throw new AliasFileError(`${at}: delivery to a program is not there yet`);
    if (plain.startsWith('/')) throw new AliasFileError(`${at}: delivery to a file is not there yet`);
    if (!isName(member.toLowerCase()))
      throw new AliasFileError(`${at}: '${member}' is no local part and no address`);
  }
  return members;
}

interface LogicalLine {
  /** Counted from 1. */
  readonly line: number;
  readonly content: string;
}

/** Continued lines joined, comments and empty lines left out. */
function logicalLines(text: string): readonly LogicalLine[] {
  const lines: { line: number; content: string }[] = [];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    if (raw.trim() === '' || raw.trimStart().startsWith('#')) continue;
    const last = lines.at(-1);
    if (/^[ \t]/.test(raw) && last) last.content += ` ${raw.trim()}`;
    else lines.push({ line: index + 1, content: raw.trim() });
  }
  return lines;
}

/** With a stand-in domain a local part is as good as an address. */
const isName = (text: string): boolean => isMailbox(text.includes('@') ? text : `${text}@localhost`);

const unquote = (text: string): string =>
  /^"[^"]*"$/.test(text) && !text.includes('@') ? text.slice(1, -1) : text;

function unquotedIndex(text: string, wanted: string): number {
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') quoted = !quoted;
    else if (!quoted && text[at] === wanted) return at;
  }
  return -1;
}

function splitUnquoted(text: string): readonly string[] {
  const parts: string[] = [];
  for (let rest = text; ;) {
    const comma = unquotedIndex(rest, ',');
    if (comma === -1) return [...parts, rest];
    parts.push(rest.slice(0, comma));
    rest = rest.slice(comma + 1);
  }
}
