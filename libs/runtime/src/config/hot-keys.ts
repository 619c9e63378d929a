/** Which keys a running process takes over when the configuration changes; all others need a restart. */
import type { Config } from './schema.js';

export interface HotKey {
  readonly key: string;
  /** Who reads it anew, and from when on it counts. */
  readonly effect: string;
}

/** A key stands for all below it. README.md has the same table; hot-keys.spec.ts compares them. */
export const hotKeys: readonly HotKey[] = [
  { key: 'postmaster', effect: 'smtp-ingress, queue-manager: from the next mail on' },
  { key: 'limits', effect: 'smtp-ingress: from the next session on' },
  { key: 'priority', effect: 'smtp-ingress: from the next mail on' },
  { key: 'privacy', effect: 'smtp-ingress: from the next command on' },
  { key: 'relay', effect: 'smtp-ingress: from the next recipient on' },
  { key: 'access', effect: 'smtp-ingress: from the next recipient on; a changed access file at once' },
  { key: 'local', effect: 'smtp-ingress, alias-expander, queue-manager: from the next mail on' },
  { key: 'aliases', effect: 'alias-expander: at once; a changed alias file needs no change here' },
  { key: 'routes', effect: 'queue-manager: from the next attempt on' },
  { key: 'dns', effect: 'dns-resolver: from the next lookup on' },
  { key: 'outbound', effect: 'queue-manager, outbound-delivery: from the next channel on' },
  { key: 'queue', effect: 'queue-manager: from the next attempt on' },
  { key: 'log.level', effect: 'every service: at once' },
];

export interface HotChange {
  /** The configuration in force from now on: the old one with the hot keys of the new. */
  readonly config: Config;
  /** Keys that changed and count from now on. */
  readonly hot: readonly string[];
  /** Keys that changed and count after a restart. */
  readonly cold: readonly string[];
}

export function applyHotKeys(current: Config, next: Config): HotChange {
  const hot: string[] = [];
  const cold: string[] = [];
  const entries = Object.entries(current).map(([key, value]) => {
    const later: unknown = next[key as keyof Config];
    if (same(value, later)) return [key, value] as const;
    if (isHot(key)) {
      hot.push(key);
      return [key, later] as const;
    }
    return [key, changedWithin(key, value, later, { hot, cold })] as const;
  });
  return { config: Object.fromEntries(entries) as Config, hot, cold };
}

/** A section of which only some keys are hot. */
function changedWithin(
  key: string,
  value: unknown,
  later: unknown,
  changed: { readonly hot: string[]; readonly cold: string[] },
): unknown {
  if (!isSection(value) || !isSection(later)) {
    changed.cold.push(key);
    return value;
  }
  const names = new Set([...Object.keys(value), ...Object.keys(later)]);
  const result: Record<string, unknown> = { ...value };
  for (const name of names) {
    if (same(value[name], later[name])) continue;
    const full = `${key}.${name}`;
    if (isHot(full)) result[name] = later[name];
    (isHot(full) ? changed.hot : changed.cold).push(full);
  }
  return result;
}

const isHot = (key: string): boolean => hotKeys.some((hot) => hot.key === key);
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

function isSection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
