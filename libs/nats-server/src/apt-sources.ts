/** The mirror of Debian's main archive that this machine uses already: apt's own settings, both formats. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const oneLineFile = '/etc/apt/sources.list';
const parts = '/etc/apt/sources.list.d';

export function mirrorOfThisMachine(): string | undefined {
  const more = existsSync(parts) ? readdirSync(parts).sort() : [];
  for (const file of [oneLineFile, ...more.map((name) => join(parts, name))]) {
    if (!existsSync(file) || !/\.(?:list|sources)$/.test(file)) continue;
    const mirror = mirrorIn(readFileSync(file, 'utf8'), file.endsWith('.sources') ? 'deb822' : 'one-line');
    if (mirror !== undefined) return mirror;
  }
  return undefined;
}

/** sources.list(5). A security or ports archive is not the main one. */
export function mirrorIn(text: string, format: 'one-line' | 'deb822'): string | undefined {
  const addresses = format === 'one-line' ? inLines(text) : inStanzas(text);
  return addresses.find((address) => /^https?:\/\/\S+\/debian\/?$/.test(address));
}

/** `deb [options] address suite component…` */
function inLines(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+\S+\s+(.*)$/.exec(line.replace(/#.*/, ''));
    return match?.[1] !== undefined && hasMain(match[2]) ? [match[1]] : [];
  });
}

/** Fields of a stanza; a line that starts with a blank goes on with the field before it. */
function inStanzas(text: string): string[] {
  const withoutComments = text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n');
  return withoutComments.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string): string | undefined =>
      new RegExp(`^${name}:(.*(?:\\n[ \\t].*)*)`, 'im').exec(stanza)?.[1]?.trim();
    const usable =
      field('Enabled')?.toLowerCase() !== 'no' &&
      words(field('Types')).includes('deb') &&
      hasMain(field('Components'));
    return usable ? words(field('URIs')) : [];
  });
}

const words = (text = ''): string[] => text.split(/\s+/).filter((word) => word !== '');
const hasMain = (components?: string): boolean => words(components).includes('main');
