import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { HotChange } from './hot-keys.js';
import { loadConfig } from './load.js';
import { watchConfig, type ConfigWatch } from './watch.js';

let folder: string;
let watch: ConfigWatch | undefined;
let changes: HotChange[];
let refusals: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postrider-watch-'));
  changes = [];
  refusals = [];
});
afterEach(() => {
  watch?.stop();
  rmSync(folder, { recursive: true });
});

function watchIt(path: string): void {
  const options = { path, cwd: folder };
  watch = watchConfig(loadConfig(options), options, {
    changed: (change) => changes.push(change),
    refused: (error) => refusals.push(error.message),
  });
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 10));
}

test('a file that is written, replaced, wrong, and right again', async () => {
  const file = join(folder, 'p.yaml');
  writeFileSync(file, 'log: { level: info }\n');
  watchIt('p.yaml');
  writeFileSync(file, 'log: { level: debug }\n');
  await until(() => changes.length === 1);
  expect(changes[0]?.config.log.level).toBe('debug');
  writeFileSync(join(folder, 'new'), 'log: { level: warn }\n');
  renameSync(join(folder, 'new'), file);
  await until(() => changes.length === 2);
  writeFileSync(file, 'log: { level: loud }\n');
  await until(() => refusals.length === 1);
  expect(refusals[0]).toContain('p.yaml:1: log.level: must be');
  expect(watch?.refused).toBe(1);
  writeFileSync(file, 'log: { level: error }\nhostname: mx.example.org\n');
  await until(() => changes.length === 3);
  expect(changes[2]).toMatchObject({ hot: ['log.level'], cold: ['hostname'] });
  // What is in force keeps its old name.
  expect(changes[2]?.config.hostname).toBe('');
});

test("a ConfigMap's ..data is exchanged", async () => {
  const version = (name: string, text: string): void => {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'p.yaml'), text);
    symlinkSync(name, join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  };
  version('..one', 'log: { level: info }\n');
  symlinkSync('..data/p.yaml', join(folder, 'p.yaml'));
  watchIt('.');
  version('..two', 'log: { level: debug }\n');
  await until(() => changes.length === 1);
  expect(changes[0]?.config.log.level).toBe('debug');
});

test('a reload without a change is none', () => {
  writeFileSync(join(folder, 'p.yaml'), 'log: { level: info }\n');
  watchIt('p.yaml');
  watch?.reload();
  writeFileSync(join(folder, 'p.yaml'), '# a comment\nlog: { level: info }\n');
  watch?.reload();
  expect(changes).toEqual([]);
  expect(refusals).toEqual([]);
});
