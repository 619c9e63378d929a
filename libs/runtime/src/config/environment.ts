/** Settings from the environment, `POSTRIDER__NATS__SERVERS`, and from flags: each value is YAML. */
import { readYaml } from './yaml-source.js';
import { emptyMap, mergeTrees, type Tree } from './tree.js';

export interface SettingsResult {
  readonly tree: Tree;
  readonly problems: readonly string[];
}

const prefix = 'POSTRIDER__';

/** @param cwd relative paths count from here */
export function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  cwd: string,
): SettingsResult {
  const settings = Object.entries(environment)
    .filter(([name, text]) => name.startsWith(prefix) && text !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return readSettings(
    settings.map(([name, text = '']) => ({
      place: name,
      path: name.slice(prefix.length).toLowerCase().split('__'),
      text,
    })),
    cwd,
  );
}

/** @param flags by key: `{ 'log.level': 'debug' }` */
export function readFlags(flags: Readonly<Record<string, string>>, cwd: string): SettingsResult {
  return readSettings(
    Object.entries(flags).map(([key, text]) => ({ place: `--${key}`, path: key.split('.'), text })),
    cwd,
  );
}

interface Setting {
  readonly place: string;
  readonly path: readonly string[];
  readonly text: string;
}

function readSettings(settings: readonly Setting[], cwd: string): SettingsResult {
  let tree: Tree = emptyMap('default');
  const problems: string[] = [];
  for (const { place, path, text } of settings) {
    const result = readYaml({ text, place: () => place, folder: cwd, path });
    problems.push(...result.problems);
    if (result.tree) tree = mergeTrees(tree, nested(path, result.tree));
  }
  return { tree, problems };
}

/** The value under its path: `a.b` and 1 give `{ a: { b: 1 } }`. */
function nested(path: readonly string[], tree: Tree): Tree {
  return path.reduceRight<Tree>(
    (inner, key) => ({ kind: 'map', place: tree.place, entries: new Map([[key, inner]]) }),
    tree,
  );
}
