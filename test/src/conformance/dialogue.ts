/**
 * Plays dialogues in the RFCs' own notation against any server: `C:` lines are sent, `S:` lines are expected.
 *
 *   # a comment
 *   Key: value         what the server must be set up with, before the first line
 *   S: 250-...         one reply; texts are for people, so that only these are compared:
 *                      the code (`25x` and `550/554` are alternatives), an enhanced status at the beginning of the
 *                      text, and a text between slashes, a pattern that one line of the reply must match
 *   C: ...             a line; C lines that follow each other go in one packet (RFC 2920)
 *   C & S: <negotiate a TLS session>
 */
import { readFileSync } from 'node:fs';
import type { RawClient, RawReply } from './raw-client.js';

export interface Dialogue {
  readonly settings: ReadonlyMap<string, string>;
  readonly turns: readonly Turn[];
}

export type Turn =
  | { readonly by: 'client' | 'both'; readonly lines: readonly string[] }
  | { readonly by: 'server'; readonly lines: readonly string[]; readonly at: number };

export function readDialogue(file: string): Dialogue {
  const settings = new Map<string, string>();
  const turns: Turn[] = [];
  readFileSync(file, 'utf8')
    .split('\n')
    .forEach((line, n) => {
      const spoken = /^\s*(C & S|[SC]):(?: (.*))?$/.exec(line);
      const setting = /^([A-Z][a-z]+): (.*)$/.exec(line);
      if (spoken) addLine(turns, speakers[spoken[1] ?? ''] ?? 'both', spoken[2] ?? '', n + 1);
      else if (setting?.[1] !== undefined) settings.set(setting[1], setting[2] ?? '');
      else if (line.trim() !== '' && !line.startsWith('#')) throw new Error(`${file}:${n + 1}: ${line}`);
    });
  return { settings, turns };
}

const speakers: Readonly<Record<string, Turn['by']>> = { C: 'client', S: 'server' };

function addLine(turns: Turn[], by: Turn['by'], line: string, at: number): void {
  const last = turns.at(-1);
  const continues = last?.by === by && (by === 'client' || /^[0-9x/]{3,}-/.test(last.lines.at(-1) ?? ''));
  if (continues) turns[turns.length - 1] = { ...last, lines: [...last.lines, line] };
  else turns.push(by === 'server' ? { by, lines: [line], at } : { by, lines: [line] });
}

/** @throws with file line and both texts at the first reply that is not what it should be */
export async function playDialogue(client: RawClient, { turns }: Dialogue): Promise<void> {
  for (const turn of turns) {
    if (turn.by === 'client') client.write(Buffer.from(turn.lines.map((line) => `${line}\r\n`).join('')));
    else if (!('at' in turn)) await client.startTls();
    else {
      const reply = await client.reply();
      const problem = turn.lines.map((line) => mismatch(line, reply)).find((text) => text !== undefined);
      if (problem !== undefined) throw new Error(`line ${turn.at}: ${problem}`);
    }
  }
}

function mismatch(expected: string, reply: RawReply): string | undefined {
  const [, codes = '', text = ''] = /^([0-9x/]+)[ -]?(.*)$/.exec(expected) ?? [];
  const got = `${reply.code} ${reply.lines.join(' | ')}`;
  const fits = codes
    .split('/')
    .some((code) => new RegExp(`^${code.replaceAll('x', '[0-9]')}$`).test(String(reply.code)));
  if (!fits) return `expected ${expected}, got ${got}`;
  const status = /^[245]\.[0-9]+\.[0-9]+/.exec(text)?.[0];
  if (status !== undefined && !reply.lines.every((line) => line.startsWith(`${status} `)))
    return `expected status ${status}, got ${got}`;
  const pattern = /\/(.+)\//.exec(text)?.[1];
  if (pattern !== undefined && !reply.lines.some((line) => new RegExp(pattern).test(line)))
    return `expected a line like /${pattern}/, got ${got}`;
  return undefined;
}
