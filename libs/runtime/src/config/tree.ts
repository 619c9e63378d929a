/**
 * What the sources of the configuration say, before it is checked: maps and values, each with the place it stands
 * at, so that an error and `config show --origin` can name it.
 */

/** Where a key is set: `default`, `postrider.yaml:12`, `POSTRIDER__HOSTNAME`, `--hostname`. */
export type Place = string;

export type Path = readonly PropertyKey[];

export type Tree = MapTree | ValueTree;

export interface MapTree {
  readonly kind: 'map';
  readonly place: Place;
  readonly entries: ReadonlyMap<string, Tree>;
}

export interface ValueTree {
  readonly kind: 'value';
  readonly place: Place;
  /** A scalar or a list. */
  readonly value: unknown;
  /** Of a list: where each item stands. */
  readonly itemPlaces?: readonly Place[];
}

export const emptyMap = (place: Place): MapTree => ({ kind: 'map', place, entries: new Map() });

/** What the later source says wins; maps merge, lists are replaced. */
export function mergeTrees(earlier: Tree, later: Tree): Tree {
  if (earlier.kind !== 'map' || later.kind !== 'map') return later;
  const entries = new Map(earlier.entries);
  for (const [key, tree] of later.entries) {
    const known = entries.get(key);
    entries.set(key, known ? mergeTrees(known, tree) : tree);
  }
  return { kind: 'map', place: later.place, entries };
}

/** The same without places, as the schema takes it. */
export function plainValue(tree: Tree): unknown {
  if (tree.kind === 'value') return tree.value;
  return Object.fromEntries([...tree.entries].map(([key, entry]) => [key, plainValue(entry)]));
}

/** The deepest known place on the way to a key. */
export function placeOf(tree: Tree, path: Path): Place {
  const [first, ...rest] = path;
  if (first === undefined) return tree.place;
  if (tree.kind === 'value') return tree.itemPlaces?.[Number(first)] ?? tree.place;
  const entry = tree.entries.get(String(first));
  return entry ? placeOf(entry, rest) : tree.place;
}

export function valueAt(tree: Tree, path: Path): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return plainValue(tree);
  if (tree.kind === 'value')
    return Array.isArray(tree.value) ? (tree.value[Number(first)] as unknown) : undefined;
  const entry = tree.entries.get(String(first));
  return entry && valueAt(entry, rest);
}

/** Every value with its path, in the order of the map. */
export function* valuesOf(
  tree: Tree,
  path: readonly string[] = [],
): Generator<readonly [readonly string[], ValueTree]> {
  if (tree.kind === 'value') yield [path, tree];
  else for (const [key, entry] of tree.entries) yield* valuesOf(entry, [...path, key]);
}

/** As people write it: `limits.message_size`, `routes."dest.test"`, `listeners.mx.listen[1]`. */
export function keyName(path: Path): string {
  let name = '';
  for (const part of path) {
    if (typeof part === 'number') name += `[${part}]`;
    else
      name += `${name === '' ? '' : '.'}${/^[\w-]+$/.test(String(part)) ? String(part) : `"${String(part)}"`}`;
  }
  return name;
}
