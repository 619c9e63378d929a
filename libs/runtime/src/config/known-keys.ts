/** What the schema knows of keys: the defaults as people write them, and which names there are. */
import { z } from 'zod';
import { withAbsolutePaths } from './paths.js';
import { configSchema } from './schema.js';
import { emptyMap, type Path, type Tree } from './tree.js';

interface KeySchema {
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, KeySchema>>;
  readonly additionalProperties?: KeySchema | false;
}

const root = z.toJSONSchema(configSchema, { io: 'input' }) as KeySchema;

/**
 * The default of every key, as the first source of all.
 * @param cwd paths in defaults count from here
 */
export function defaultsTree(cwd: string): Tree {
  return treeOf(root, [], cwd) ?? emptyMap('default');
}

/** Names that a map at this path may have; undefined where any will do, as in `routes`. */
export function keysAt(path: Path): readonly string[] | undefined {
  const properties = schemaAt(path)?.properties;
  return properties && Object.keys(properties);
}

/** The known name that is meant, if one is near. */
export function nearestKey(name: string, path: Path): string | undefined {
  const distances = (keysAt(path) ?? []).map((key) => ({ key, distance: editDistance(name, key) }));
  const [best] = distances.sort((a, b) => a.distance - b.distance);
  return best && best.distance <= Math.max(2, Math.floor(name.length / 3)) ? best.key : undefined;
}

function treeOf(schema: KeySchema, path: readonly string[], cwd: string): Tree | undefined {
  if (schema.properties) {
    const entries = Object.entries(schema.properties).flatMap(([key, inner]) => {
      const tree = treeOf(inner, [...path, key], cwd);
      return tree ? ([[key, tree]] as const) : [];
    });
    return { kind: 'map', place: 'default', entries: new Map(entries) };
  }
  return schema.default === undefined ? undefined : valueTree(schema.default, path, cwd);
}

function valueTree(value: unknown, path: readonly string[], cwd: string): Tree {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return { kind: 'value', place: 'default', value: withAbsolutePaths(path, value, cwd) };
  const entries = Object.entries(value).map(
    ([key, inner]) => [key, valueTree(inner, [...path, key], cwd)] as const,
  );
  return { kind: 'map', place: 'default', entries: new Map(entries) };
}

function schemaAt(path: Path): KeySchema | undefined {
  return path.reduce<KeySchema | undefined>((schema, part) => {
    const more = schema?.additionalProperties === false ? undefined : schema?.additionalProperties;
    return schema?.properties?.[String(part)] ?? more;
  }, root);
}

/** Letters to insert, remove or change (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, n) => n);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
