import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { takesWrites } from './room-to-write.js';

test('a folder with room takes it, and nothing stays', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'room-'));
  expect(await takesWrites(folder)).toBe(true);
  expect(readdirSync(folder)).toEqual([]);
  rmSync(folder, { recursive: true });
});

test('a folder that is not there says nothing about room', async () => {
  expect(await takesWrites(join(tmpdir(), 'not-there-at-all'))).toBe(true);
});
