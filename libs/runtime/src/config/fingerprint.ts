/** A short name for the configuration in force, the same wherever the same settings count: a cluster's instances are compared by it. */
import { createHash } from 'node:crypto';
import type { Config } from './schema.js';

/** Digits of the hash: enough to tell a cluster's few configurations apart, few enough to read aloud. */
const shown = 12;

/** What each instance has of its own by design: where it stands, which key opens its NATS user, how it logs. */
const ownOfAnInstance: readonly string[] = [
  'data_dir',
  'http.listen',
  'log.level',
  'log.format',
  'nats.creds_file',
  'nats.nkey_file',
];

/** @returns hexadecimal digits, of SHA-256 over all settings but those that are each instance's own */
export function configFingerprint(config: Config): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(config, '')))
    .digest('hex')
    .slice(0, shown);
}

/** Keys in order of their names: that of the files means nothing. */
function sorted(value: unknown, key: string): unknown {
  if (Array.isArray(value)) return value.map((item) => sorted(item, `${key}[]`));
  if (typeof value !== 'object' || value === null) return value;
  const prefix = key === '' ? '' : `${key}.`;
  return Object.entries(value)
    .filter(([name]) => !ownOfAnInstance.includes(prefix + name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, held]) => [name, sorted(held, prefix + name)]);
}
