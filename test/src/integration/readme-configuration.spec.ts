/** README.md's list of the configuration against the schema: its keys, their defaults, which are hot. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describeConfig, hotKeys, loadConfig } from '@postrider/runtime';
import { expect, test } from 'vitest';
import { itemsOf, readText, readmes, section } from './readme-parts.js';

const cwd = '/nowhere';

/** By key of the list; what stands below a name that users choose is one key. */
const defaults = new Map<string, unknown[]>();
const loaded = loadConfig({ environment: {}, cwd });
const own = new Set(['role', 'listen']);
const ofListener = Object.fromEntries(
  Object.entries(loaded.config.listeners['mx'] ?? {}).filter(([key]) => !own.has(key)),
);
const described = [
  ...describeConfig(loaded),
  ...entriesOf('listeners.mx', ofListener),
  ...entriesOf('limits.networks', loaded.config.limits.networks),
];
for (const { key, value } of described) {
  const shown = key.startsWith('routes')
    ? 'routes'
    : key.replace(/^listeners\.[a-z]+\./, 'listeners.<name>.');
  defaults.set(shown, [...(defaults.get(shown) ?? []), value]);
}

/** What a listener has by default stands in no file and so not among what is described. */
function entriesOf(
  path: string,
  value: unknown,
): readonly { readonly key: string; readonly value: unknown }[] {
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
  const entries = isMap ? Object.entries(value) : [];
  return entries.length === 0
    ? [{ key: path, value: isMap ? [] : value }]
    : entries.flatMap(([name, below]) => entriesOf(`${path}.${name}`, below));
}

/** Where README.md says in words what the default comes to: the default, and the words. */
const inWords: Readonly<Record<string, readonly [unknown, string]>> = {
  postmaster: ['', 'postmaster@hostname'],
  'nats.servers': [[], 'our own server'],
  'relay.networks': [['127.0.0.0/8', '::1/128'], 'loopback'],
  'listeners.<name>.listen': [['127.0.0.1:2525', '[::1]:2525'], '127.0.0.1:2525 and [::1]:2525'],
  routes: ['mx', '`"*": mx`'],
  'dns.servers': [[], "the system's"],
  'listeners.<name>.tls.certificate_file': ['', 'self-signed, made in data_dir'],
  'users.file': ['', 'users in data_dir'],
  'outbound.ehlo': ['', 'hostname'],
};

function textOf(key: string): string {
  const values = defaults.get(key) ?? [];
  const said = inWords[key];
  if (said) {
    expect(values, key).toEqual([said[0]]);
    return said[1];
  }
  return values.map(plain).join(', ');
}

function plain(value: unknown): string {
  if (value === '') return 'not set';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : `[${value.join(', ')}]`;
  return String(value).replace(cwd, '.');
}

const text = section(readText('README.md'), 'Configuration');
const items = itemsOf(text).map((item) => {
  const [, key = item, said = '', hot] = /^`([^`]+)` \((.*?)(, hot)?\): ./.exec(item) ?? [];
  return { key, said, hot: hot !== undefined };
});

test('every key of the schema is in the list, and no other', () => {
  expect(items.map(({ key }) => key).sort()).toEqual([...defaults.keys()].sort());
});

test.each(items)('default of $key', ({ key, said }) => {
  expect(said).toBe(textOf(key));
});

test.each(items)('is $key hot', ({ key, hot }) => {
  expect(hot).toBe(hotKeys.some(({ key: name }) => key === name || key.startsWith(`${name}.`)));
});

test('the example is a configuration', () => {
  const [, example = ''] = /```yaml\n([^]*?)```/.exec(text) ?? [];
  const file = join(mkdtempSync(join(tmpdir(), 'postrider-readme-')), 'example.yaml');
  writeFileSync(file, example);
  const { config, warnings } = loadConfig({ environment: {}, cwd, path: file });
  rmSync(dirname(file), { recursive: true });
  expect(config.listeners['submission']?.role).toBe('submission');
  expect(warnings).toEqual([]);
});

test('keys that READMEs set by the environment are keys', () => {
  const named = readmes.flatMap((path) => readText(path).match(/POSTRIDER__[A-Z_]*[A-Z]/g) ?? []);
  expect(named).toContain('POSTRIDER__LIMITS__MESSAGE_SIZE');
  for (const name of named.filter((each) => each !== 'POSTRIDER__A__B'))
    expect([...defaults.keys()]).toContain(name.toLowerCase().split('__').slice(1).join('.'));
});
