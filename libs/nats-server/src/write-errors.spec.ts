import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { watchForWriteErrors } from './write-errors.js';

const words = 'Filestore [SPOOL-0] Critical write error: write /x/1.blk: no space left on device';
const line = `[1] 2026/11/24 10:09:07.467280 [ERR] ${words}\n`;
const other = '[1] 2026/11/24 10:09:07.467589 [ERR] JetStream failed to store a msg\n';

let folder: string;
let log: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postrider-log-'));
  log = join(folder, 'server.log');
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

test('only what is written from now on counts, also in a new file', () => {
  writeFileSync(log, line);
  const found: string[] = [];
  const watch = watchForWriteErrors(log, (text) => found.push(text));
  vi.advanceTimersByTime(2_000);
  expect(found).toEqual([]);
  appendFileSync(log, other + line);
  vi.advanceTimersByTime(2_000);
  expect(found).toEqual([words]);
  writeFileSync(log, other);
  vi.advanceTimersByTime(2_000);
  appendFileSync(log, line);
  vi.advanceTimersByTime(2_000);
  expect(found).toEqual([words, words]);
  watch.stop();
  appendFileSync(log, line);
  vi.advanceTimersByTime(2_000);
  expect(found).toHaveLength(2);
});

test('a log that is not there yet', () => {
  const found: string[] = [];
  const watch = watchForWriteErrors(log, (text) => found.push(text));
  vi.advanceTimersByTime(2_000);
  writeFileSync(log, line);
  vi.advanceTimersByTime(2_000);
  expect(found).toEqual([words]);
  watch.stop();
});
