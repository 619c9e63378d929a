/** What the schema refuses, in words: where, which key, what is there, what would be right. */
import type { z } from 'zod';
import { nearestKey } from './known-keys.js';
import { keyName, placeOf, valueAt, type Path, type Tree } from './tree.js';

type Issue = z.core.$ZodIssue;

/** One line a problem, as `postrider.yaml:12: limits.message_size: must be … (found 50)`. */
export function problemsOf(issues: readonly Issue[], tree: Tree): string[] {
  return issues.flatMap((issue) => problemLines(issue, issue.path, tree));
}

function problemAt(tree: Tree, path: Path, text: string): string {
  return `${placeOf(tree, path)}: ${keyName(path)}: ${text}`;
}

function problemLines(issue: Issue, path: Path, tree: Tree): string[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => problemAt(tree, [...path, key], unknownKey(key, path)));
  if (issue.code === 'invalid_union') {
    const branch = meantBranch(issue.errors);
    if (branch.length > 0)
      return branch.flatMap((inner) => problemLines(inner, [...path, ...inner.path], tree));
  }
  const found = issue.code === 'invalid_key' ? '' : foundText(valueAt(tree, path));
  return [problemAt(tree, path, `${rightForm(issue)}${found}`)];
}

function unknownKey(key: string, path: Path): string {
  const near = nearestKey(key, path);
  return near === undefined ? 'unknown key' : `unknown key; did you mean ${near}?`;
}

/** Of the forms a value may have, the one that it comes nearest to: not refused for its type at once. */
function meantBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] {
  const constants = branches.map(onlyConstant);
  if (constants.every((values) => values !== undefined)) {
    const first = branches[0]?.[0];
    return first?.code === 'invalid_value' ? [{ ...first, values: constants.flat() }] : [];
  }
  const others = branches.filter((branch) => onlyConstant(branch) === undefined);
  const fitting = others.filter(
    (branch) => !(branch[0]?.code === 'invalid_type' && branch[0].path.length === 0),
  );
  return fitting[0] ?? others[0] ?? [];
}

function onlyConstant(branch: readonly Issue[]): readonly z.core.util.Primitive[] | undefined {
  return branch[0]?.code === 'invalid_value' ? branch[0].values : undefined;
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  array: 'a list, as in [a, b]',
  tuple: 'a list, as in [a, b]',
  object: 'a map of keys',
  record: 'a map of keys',
  boolean: 'true or false',
};

/** Messages of our own schema say it already; zod's are about types. */
function rightForm(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${typeNames[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `must be ${oneOf(issue.values)}`;
    case 'too_small':
      return issue.origin === 'number' || issue.origin === 'int'
        ? `must be at least ${String(issue.minimum)}`
        : 'must not be empty';
    case 'too_big':
      return `must be at most ${String(issue.maximum)}`;
    case 'invalid_key':
      return issue.issues[0]?.message ?? 'this name will not do';
    default:
      return issue.message;
  }
}

function oneOf(values: readonly z.core.util.Primitive[]): string {
  const words = values.map(String);
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} or ${last}`;
}

const longestShown = 60;

function foundText(value: unknown): string {
  if (value === undefined) return '';
  const text = JSON.stringify(value);
  return ` (found ${text.length > longestShown ? `${text.slice(0, longestShown)}…` : text})`;
}
