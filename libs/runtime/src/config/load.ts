/**
 * Loads the configuration (DESIGN §6): defaults, then files, then the environment, then flags; checked as a whole,
 * so that all that is wrong is told at once.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { clusterWarnings } from './cluster-checks.js';
import { crossChecks, type Finding } from './cross-checks.js';
import { readEnvironment, readFlags } from './environment.js';
import { defaultsTree } from './known-keys.js';
import { problemsOf } from './problems.js';
import { configSchema, type Config } from './schema.js';
import { emptyMap, keyName, mergeTrees, placeOf, plainValue, valueAt, type Tree } from './tree.js';
import { readYamlMap } from './yaml-source.js';

export interface LoadOptions {
  /** A file or a folder of `*.yaml`; none: defaults, environment and flags alone. */
  readonly path?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** By key, values as YAML: `{ 'log.level': 'debug' }`. */
  readonly flags?: Readonly<Record<string, string>>;
  /** Relative paths that no file sets count from here; the process's when absent. */
  readonly cwd?: string;
}

export interface LoadedConfig {
  readonly config: Config;
  /** All keys with their places, as written: what `config show` prints. */
  readonly tree: Tree;
  /** Read, in this order. */
  readonly files: readonly string[];
  /** Folders in which a change may be one of the configuration. */
  readonly folders: readonly string[];
  /** Not wrong, but to be looked at: one line each. */
  readonly warnings: readonly string[];
}

/** The operator's to mend: printed one problem a line, exit 2. */
export class ConfigError extends Error {
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** @throws ConfigError with every problem found */
export function loadConfig(options: LoadOptions = {}): LoadedConfig {
  const cwd = options.cwd ?? process.cwd();
  const source = findFiles(options.path, cwd);
  const problems: string[] = [];
  let tree: Tree = emptyMap('default');
  for (const file of source.files) {
    const result = readFile(file, cwd);
    problems.push(...result.problems);
    tree = mergeTrees(tree, result.tree);
  }
  for (const result of [
    readEnvironment(options.environment ?? {}, cwd),
    readFlags(options.flags ?? {}, cwd),
  ]) {
    problems.push(...result.problems);
    tree = mergeTrees(tree, result.tree);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  const complete = withDefaults(tree, cwd);
  const config = checked(complete);
  const warnings = clusterWarnings(config).map((finding) => findingAt(complete, finding));
  return { config, tree: complete, warnings, ...source };
}

function checked(tree: Tree): Config {
  const result = configSchema.safeParse(plainValue(tree));
  if (!result.success) throw new ConfigError(problemsOf(result.error.issues, tree));
  const findings = crossChecks(result.data);
  if (findings.length > 0) throw new ConfigError(findings.map((finding) => findingAt(tree, finding)));
  return result.data;
}

/** At the key that is set; the other one may be a default. */
function findingAt(tree: Tree, { path, text, with: other }: Finding): string {
  const place = placeOf(tree, path) === 'default' && other ? placeOf(tree, other) : placeOf(tree, path);
  return `${place}: ${keyName(path)}: ${text}`;
}

function findFiles(
  path: string | undefined,
  cwd: string,
): { readonly files: string[]; readonly folders: string[] } {
  if (path === undefined || path === '') return { files: [], folders: [] };
  const full = resolve(cwd, path);
  const found = statSync(full, { throwIfNoEntry: false });
  if (!found) throw new ConfigError([`${path}: no such file or folder`]);
  if (!found.isDirectory()) return { files: [full], folders: [dirname(full)] };
  const names = readdirSync(full)
    .filter((name) => !name.startsWith('.'))
    .sort();
  const misnamed = names.filter((name) => name.endsWith('.yml'));
  if (misnamed.length > 0)
    throw new ConfigError(misnamed.map((name) => `${join(path, name)}: is not read: end its name in .yaml`));
  const files = names.filter((name) => name.endsWith('.yaml')).map((name) => join(full, name));
  if (files.length === 0) throw new ConfigError([`${path}: a folder without any *.yaml`]);
  return { files, folders: [full] };
}

function readFile(file: string, cwd: string): { readonly tree: Tree; readonly problems: readonly string[] } {
  const shown = relative(cwd, file).startsWith('..') ? file : relative(cwd, file);
  try {
    const text = readFileSync(file, 'utf8');
    return readYamlMap({ text, place: (line) => `${shown}:${line}`, folder: dirname(file), path: [] });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { tree: emptyMap('default'), problems: [`${shown}: can't be read: ${reason}`] };
  }
}

/**
 * Defaults below all else. Some are not simply merged: listeners that are named replace the default one, so that none
 * is open that nobody asked for; with outside NATS no network may relay by default (DESIGN §6), and nobody lives on a
 * host that comes and goes.
 */
function withDefaults(tree: Tree, cwd: string): Tree {
  let defaults = defaultsTree(cwd);
  if (valueAt(tree, ['listeners']) !== undefined) defaults = without(defaults, ['listeners']);
  const servers = valueAt(tree, ['nats', 'servers']);
  if (Array.isArray(servers) && servers.length > 0) defaults = mergeTrees(defaults, withOutsideNats);
  return mergeTrees(defaults, tree);
}

const none = (section: string, key: string): readonly [string, Tree] => [
  section,
  {
    kind: 'map',
    place: 'default',
    entries: new Map([[key, { kind: 'value', place: 'default', value: [] }]]),
  },
];
const withOutsideNats: Tree = {
  kind: 'map',
  place: 'default',
  entries: new Map([none('relay', 'networks'), none('local', 'domains')]),
};

function without(tree: Tree, [key]: readonly [string]): Tree {
  if (tree.kind !== 'map') return tree;
  return { ...tree, entries: new Map([...tree.entries].filter(([name]) => name !== key)) };
}
