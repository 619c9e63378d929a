/** READMEs as their specs read them: sections, rows of tables, items of lists, words in code. */
import { readFileSync, readdirSync, existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../../', import.meta.url));

/** @param path from the root of the repository */
export const readText = (path: string): string => readFileSync(root + path, 'utf8');

/** From a heading to the next one. @throws Error when there is no such heading */
export function section(markdown: string, heading: string): string {
  const start = markdown.indexOf(`\n## ${heading}\n`);
  if (start === -1) throw new Error(`no section '${heading}'`);
  const end = markdown.indexOf('\n## ', start + 1);
  return markdown.slice(start, end === -1 ? undefined : end);
}

/** Cells of each row, the head and the line below it left out. */
export function rowsOf(text: string): readonly (readonly string[])[] {
  const rows = text.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) =>
    row
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim()),
  );
}

/** Items of its lists, each on one line. */
export const itemsOf = (text: string): readonly string[] =>
  [...text.matchAll(/^- (.*(?:\n {2}.*)*)/gm)].map(([, item = '']) => item.replaceAll(/\s+/g, ' '));

/** What stands between backticks on one line. */
export const codeIn = (text: string): readonly string[] =>
  [...text.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);

/** Folders of `libs` and `services`, from the root. */
export const projects: readonly string[] = ['libs', 'services'].flatMap((kind) =>
  readdirSync(root + kind, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `${kind}/${name}`),
);

export const readmes: readonly string[] = [
  'README.md',
  'services/README.md',
  ...projects.map((project) => `${project}/README.md`).filter((path) => existsSync(root + path)),
];
