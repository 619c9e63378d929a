/** Commands that the READMEs name are commands, with the flags that are named; this README has all of them. */
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { commands } from './commands/index.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const readmes = [
  'README.md',
  ...['libs', 'services'].flatMap((kind) =>
    readdirSync(root + kind, { recursive: true, encoding: 'utf8' })
      .filter((path) => /^(?:[a-z-]+\/)?README\.md$/.test(path))
      .map((path) => `${kind}/${path}`),
  ),
];
const names = [...commands.map(({ name }) => name), 'help', 'version'];
const textOf = (path: string): string => readFileSync(root + path, 'utf8');

test.each(readmes)('%s', (path) => {
  const named = [...textOf(path).matchAll(/(?:`|npx )postrider ([a-z-]+)/g)].map(([, name]) => name);
  for (const name of named) expect(names).toContain(name);
});

test('README.md lists every command', () => {
  const text = textOf('README.md');
  for (const { name } of commands.filter((command) => command.name !== 'standalone'))
    expect(text).toMatch(new RegExp(`\`(?:npx )?(?:postrider )?${name}\\b`));
});

test("this project's README has every command and flag of the synopses, and no other", () => {
  const rows = [...textOf('services/cli/README.md').matchAll(/^- `(.+?)`:/gm)].map(([, item = '']) => item);
  const first = rows.flatMap((cell) => cell.split('`, `')).map((cell) => cell.split(' ')[0]);
  expect(new Set(first)).toEqual(new Set(commands.map(({ name }) => name)));
  const flags = rows.join(' ').match(/--[a-z]+/g) ?? [];
  const known = commands.flatMap(({ synopsis }) => synopsis).join(' ');
  for (const flag of flags) expect(known).toContain(flag);
});
