/** Reads YAML into a tree with places. What is wrong is told, one line a problem; the rest is read all the same. */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  type Document,
  type Pair,
  type YAMLError,
} from 'yaml';
import { withAbsolutePaths } from './paths.js';
import { emptyMap, keyName, type MapTree, type Place, type Tree } from './tree.js';

export interface YamlSource {
  readonly text: string;
  /** Names a place from its line. */
  readonly place: (line: number) => Place;
  /** Relative paths count from here. */
  readonly folder: string;
  /** The key that the text is the value of; none for a whole file. */
  readonly path: readonly string[];
}

export interface YamlResult {
  /** Undefined: nothing is set. */
  readonly tree: Tree | undefined;
  readonly problems: readonly string[];
}

export function readYaml(source: YamlSource): YamlResult {
  const lines = new LineCounter();
  const document = parseDocument(source.text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const at = (offset: number): Place => source.place(Math.max(1, lines.linePos(offset).line));
  const wrong = [...document.errors, ...document.warnings];
  if (wrong.length > 0) {
    const problems = wrong.map((error) => `${at(error.pos[0])}: ${problemText(error, source.text)}`);
    return { tree: undefined, problems: [...new Set(problems)] };
  }
  const reader = new TreeReader(document, source, at);
  const tree = reader.read(document.contents, source.path, at(0));
  return { tree, problems: reader.problems };
}

/** A whole file: a map of keys, or empty. */
export function readYamlMap(source: YamlSource): {
  readonly tree: MapTree;
  readonly problems: readonly string[];
} {
  const { tree, problems } = readYaml(source);
  if (tree?.kind === 'map') return { tree, problems };
  const notMap =
    tree === undefined ? [] : [`${tree.place}: must be a map of keys, as in 'hostname: mx.example.org'`];
  return { tree: emptyMap(source.place(1)), problems: [...problems, ...notMap] };
}

class TreeReader {
  readonly problems: string[] = [];
  readonly #document: Document;
  readonly #source: YamlSource;
  readonly #at: (offset: number) => Place;

  constructor(document: Document, source: YamlSource, at: (offset: number) => Place) {
    this.#document = document;
    this.#source = source;
    this.#at = at;
  }

  /** @param place where the key stands, for what has no place of its own */
  read(node: unknown, path: readonly string[], place: Place): Tree | undefined {
    if (isAlias(node)) return this.read(node.resolve(this.#document), path, place);
    if (isMap(node)) return this.#readMap(node.items, path, place);
    if (isSeq(node)) {
      const value = node.toJS(this.#document) as unknown;
      const itemPlaces = node.items.map((item) => this.#placeOf(item, place));
      return { kind: 'value', place, value: withAbsolutePaths(path, value, this.#source.folder), itemPlaces };
    }
    // A key with nothing behind it is not set: all of a section may be commented out.
    if (!isScalar(node) || node.value === null) return undefined;
    return { kind: 'value', place, value: withAbsolutePaths(path, node.value, this.#source.folder) };
  }

  #readMap(items: readonly Pair[], path: readonly string[], place: Place): MapTree {
    const entries = new Map<string, Tree>();
    for (const { key, value } of items) {
      const keyPlace = this.#placeOf(key, place);
      if (!isScalar(key) || !isName(key.value)) {
        this.problems.push(`${keyPlace}: ${keyName(path)}: a key must be a word`);
        continue;
      }
      const name = String(key.value);
      const tree = this.read(value, [...path, name], keyPlace);
      if (tree) entries.set(name, tree);
    }
    return { kind: 'map', place, entries };
  }

  #placeOf(node: unknown, otherwise: Place): Place {
    const range = node !== null && typeof node === 'object' && 'range' in node ? node.range : undefined;
    return Array.isArray(range) && typeof range[0] === 'number' ? this.#at(range[0]) : otherwise;
  }
}

function problemText(error: YAMLError, text: string): string {
  if (error.code === 'DUPLICATE_KEY') {
    const key = /^["']?([^"':\s]+)/.exec(text.slice(error.pos[0]))?.[1] ?? '';
    return `the key '${key}' stands here for the second time`;
  }
  if (error.code === 'TAB_AS_INDENT') return 'not YAML: a tab where blanks must be';
  return `not YAML: ${error.message.split('\n')[0] ?? ''}`;
}

const isName = (value: unknown): value is string | number | boolean =>
  ['string', 'number', 'boolean'].includes(typeof value);
