/** What the disk below the temporary folder takes for an fsync: the ratio between servers that all wait for one hangs on it. */
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const tries = 200;
const written = Buffer.alloc(5_000, 'x');

/** @returns the median of 5 kB appended and synced */
export function fsyncInMilliseconds(): number {
  const folder = mkdtempSync(join(tmpdir(), 'fsync-'));
  const file = openSync(join(folder, 'file'), 'a');
  const times: number[] = [];
  for (let n = 0; n < tries; n++) {
    const start = performance.now();
    writeSync(file, written);
    fsyncSync(file);
    times.push(performance.now() - start);
  }
  closeSync(file);
  rmSync(folder, { recursive: true });
  return times.toSorted((a, b) => a - b)[tries / 2] ?? Number.NaN;
}
