import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { applyHotKeys, hotKeys } from './hot-keys.js';
import { keysAt } from './known-keys.js';
import { configSchema, type Config } from './schema.js';

const config = (input: object = {}): Config => configSchema.parse(input);

test('every hot key is one of the schema', () => {
  for (const { key } of hotKeys) {
    const parts = key.split('.');
    expect(keysAt(parts.slice(0, -1))).toContain(parts.at(-1));
  }
});

test('README.md has the same table', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const rows = [...readme.matchAll(/^\| `([a-z._]+)` +\| (.*?) +\|$/gm)].map(([, key, effect]) => ({
    key,
    effect,
  }));
  expect(rows).toEqual(hotKeys);
});

test.each<[string, object, readonly string[], readonly string[]]>([
  ['nothing', {}, [], []],
  ['a hot section', { routes: { '*': 'smtp://127.0.0.1:2526' } }, ['routes'], []],
  ['a hot key of a section that is cold otherwise', { log: { level: 'debug' } }, ['log.level'], []],
  ['both kinds in one section', { log: { level: 'debug', format: 'json' } }, ['log.level'], ['log.format']],
  ['cold keys', { hostname: 'mx.example.org', spool: { shards: 2 } }, [], ['hostname', 'spool.shards']],
  ['a listener', { listeners: { mx: { listen: ['127.0.0.1:25'] } } }, [], ['listeners.mx']],
  [
    'a listener more',
    { listeners: { b: { listen: ['127.0.0.1:25'] } } },
    [],
    ['listeners.mx', 'listeners.b'],
  ],
])('%s changed', (_, input, hot, cold) => {
  const current = config();
  const next = config(input);
  const change = applyHotKeys(current, next);
  expect({ hot: change.hot, cold: change.cold }).toEqual({ hot, cold });
  expect(change.config.routes).toEqual(next.routes);
  expect(change.config.log).toEqual({ level: next.log.level, format: current.log.format });
  expect(change.config.hostname).toBe(current.hostname);
  expect(change.config.spool).toEqual(current.spool);
  expect(change.config.listeners).toEqual(current.listeners);
});
