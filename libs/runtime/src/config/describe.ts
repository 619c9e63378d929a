/** The configuration in force, for `postrider config show`: every key, its value as written, where it is set. */
import { Document, isMap, isScalar, isSeq, visit } from 'yaml';
import type { LoadedConfig } from './load.js';
import { keyName, placeOf, plainValue, valuesOf, type Place } from './tree.js';

export interface ConfigEntry {
  /** `limits.message_size` */
  readonly key: string;
  /** As written, not as parsed: `50MiB`. Paths are absolute. */
  readonly value: unknown;
  /** `default`, `postrider.yaml:12`, `POSTRIDER__LIMITS__MESSAGE_SIZE`, `--limits.message_size` */
  readonly origin: Place;
}

export function describeConfig({ tree }: LoadedConfig): readonly ConfigEntry[] {
  return [...valuesOf(tree)].map(([path, { value, place }]) => ({
    key: keyName(path),
    value,
    origin: place,
  }));
}

/** YAML that could be loaded again; with origins as comments behind the values. */
export function printConfig(loaded: LoadedConfig, options: { readonly origin: boolean }): string {
  const document = new Document(plainValue(loaded.tree));
  const keys: string[] = [];
  visit(document, {
    Pair: (_, pair, ancestors) => {
      const path = [...ancestors, pair].flatMap((node) =>
        typeof node === 'object' && 'key' in node && isScalar(node.key) ? [String(node.key.value)] : [],
      );
      if (isSeq(pair.value)) pair.value.flow = true;
      if (isMap(pair.value) || pair.value === null || typeof pair.value !== 'object') return;
      keys.push(keyName(path));
      if (options.origin && (isScalar(pair.value) || isSeq(pair.value)))
        pair.value.comment = ` ${placeOf(loaded.tree, path)}`;
    },
  });
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}
