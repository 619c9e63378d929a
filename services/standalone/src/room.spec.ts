import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { configSchema, StartError } from '@postrider/runtime';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { spoolSize } from './room.js';

const mebibyte = 1024 * 1024;

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'postrider-room-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const sizeWith = (free: number): number =>
  spoolSize(configSchema.parse({ data_dir: folder, spool: { max_size: '100MiB' } }), free * mebibyte);

test('a first start takes a share of the free disk, up to the setting', () => {
  expect(sizeWith(1_000)).toBe(100 * mebibyte);
  expect(sizeWith(50)).toBe(40 * mebibyte);
  expect(() => sizeWith(10)).toThrow(StartError);
});

test('what the streams use already is theirs at the next start', () => {
  mkdirSync(join(folder, 'nats/jetstream/SPOOL-0'), { recursive: true });
  writeFileSync(join(folder, 'nats/jetstream/SPOOL-0/1.blk'), Buffer.alloc(30 * mebibyte, 'x'));
  expect(sizeWith(1_000)).toBe(100 * mebibyte);
  expect(Math.round(sizeWith(20) / mebibyte)).toBe(40);
  expect(sizeWith(0)).toBeGreaterThanOrEqual(16 * mebibyte);
});
