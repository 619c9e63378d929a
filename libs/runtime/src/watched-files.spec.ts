import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WatchedFiles } from './watched-files.js';

let folder: string;
let watched: WatchedFiles | undefined;
let changes: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postrider-watched-'));
  changes = 0;
});
afterEach(() => {
  watched?.stop();
  rmSync(folder, { recursive: true });
});

const watchFile = (name: string): void => {
  watched = new WatchedFiles([join(folder, name)], {
    changed: () => changes++,
    failed: (error) => {
      throw error;
    },
  });
  watched.begin();
};
async function changed(times: number): Promise<void> {
  while (changes < times) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(changes).toBe(times);
}

/** As a kubelet writes the versions of a Secret or ConfigMap. */
function writeVersion(version: string, text: string, before?: string): void {
  mkdirSync(join(folder, version));
  writeFileSync(join(folder, version, 'tls.crt'), text);
  symlinkSync(version, join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  if (before === undefined) symlinkSync(join('..data', 'tls.crt'), join(folder, 'tls.crt'));
  else rmSync(join(folder, before), { recursive: true });
}

test("a Secret's new version is told once: the file's own name never changes, `..data` does", async () => {
  writeVersion('..1', 'first');
  watchFile('tls.crt');
  writeVersion('..2', 'other', '..1');
  await changed(1);
  writeVersion('..3', 'third', '..2');
  await changed(2);
});

test('an editor that renames, and one that writes in place', async () => {
  writeFileSync(join(folder, 'a'), 'one');
  watchFile('a');
  writeFileSync(join(folder, 'a.new'), 'two');
  renameSync(join(folder, 'a.new'), join(folder, 'a'));
  await changed(1);
  writeFileSync(join(folder, 'a'), 'three');
  await changed(2);
});

test('what happens to other files of the folder is nothing', () => {
  writeFileSync(join(folder, 'a'), 'one');
  watchFile('a');
  writeFileSync(join(folder, 'b'), 'other');
  watched?.check();
  expect(changes).toBe(0);
});
