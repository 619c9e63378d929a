import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempFolder, waitFor, type TempFolder } from '@postrider/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WatchedFiles } from './watched-files.js';

const patience = 20_000;

let folder: TempFolder;
let watched: WatchedFiles | undefined;
let changes: number;
beforeEach(() => {
  folder = tempFolder('postrider-watched-');
  changes = 0;
});
afterEach(() => {
  watched?.stop();
  folder.remove();
});

const watchFile = (name: string): void => {
  watched = new WatchedFiles([join(folder.path, name)], {
    changed: () => changes++,
    failed: (error) => {
      throw error;
    },
  });
  watched.begin();
};
const changed = (times: number): Promise<boolean> =>
  waitFor(
    () => changes === times,
    patience,
    () => `${times} changes, ${changes} were told`,
  );

/** As a kubelet writes the versions of a Secret or ConfigMap. */
function writeVersion(version: string, text: string, before?: string): void {
  mkdirSync(join(folder.path, version));
  writeFileSync(join(folder.path, version, 'tls.crt'), text);
  symlinkSync(version, join(folder.path, '..data_tmp'));
  renameSync(join(folder.path, '..data_tmp'), join(folder.path, '..data'));
  if (before === undefined) symlinkSync(join('..data', 'tls.crt'), join(folder.path, 'tls.crt'));
  else rmSync(join(folder.path, before), { recursive: true });
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
  writeFileSync(join(folder.path, 'a'), 'one');
  watchFile('a');
  writeFileSync(join(folder.path, 'a.new'), 'two');
  renameSync(join(folder.path, 'a.new'), join(folder.path, 'a'));
  await changed(1);
  writeFileSync(join(folder.path, 'a'), 'three');
  await changed(2);
});

test('what happens to other files of the folder is nothing', () => {
  writeFileSync(join(folder.path, 'a'), 'one');
  watchFile('a');
  writeFileSync(join(folder.path, 'b'), 'other');
  watched?.check();
  expect(changes).toBe(0);
});
