import { spawn } from 'node:child_process';
import {
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FileLocked, withFileLock } from './file-lock.js';

const program = fileURLToPath(new URL('../dist/file-lock.fixture.js', import.meta.url));
let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postrider-lock-'));
  file = join(folder, 'number');
  writeFileSync(file, '0');
});
afterEach(() => rmSync(folder, { recursive: true }));

const adds = (...words: readonly string[]): Promise<number | null> =>
  new Promise((resolve) =>
    spawn(process.execPath, [program, file, ...words], { stdio: 'inherit' }).once('close', resolve),
  );

test('processes at once, some of which are killed while they hold it: each change is made', async () => {
  const codes = await Promise.all([adds('200'), adds('200'), adds('50', 'dies'), adds('100', 'dies')]);
  expect(codes).toEqual([0, 0, null, null]);
  expect(await withFileLock(file, () => readFileSync(file, 'utf8'))).toBe('550');
  expect(readdirSync(folder)).toEqual(['number']);
});

test('within one process, too, and after a fault', async () => {
  const first = withFileLock(file, () => {
    throw new Error('fault');
  });
  await expect(first).rejects.toThrow('fault');
  const seen = await Promise.all([1, 2, 3].map((n) => withFileLock(file, () => n)));
  expect(seen).toEqual([1, 2, 3]);
  expect(readdirSync(folder)).toEqual(['number']);
});

test.each([
  ['who lives', `${process.pid}@${hostname()}`],
  ['another host', '1@elsewhere.test'],
  ['who knows', 'x'],
])('that of %s stays, and is named', async (_, holder) => {
  symlinkSync(holder, `${file}.lock`);
  const locked = withFileLock(file, () => expect.unreachable(), 50);
  await expect(locked).rejects.toThrow(FileLocked);
  await expect(locked).rejects.toThrow(`${file}.lock is held by ${holder}: remove it if that is gone`);
  expect(lstatSync(`${file}.lock`).isSymbolicLink()).toBe(true);
});
