/**
 * A disk that is full to the last octet under load, and has room again: new mail is refused meanwhile, outcomes are
 * written when they can be, nothing that was accepted is lost, and nothing that was delivered goes out again.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startLoad, startSink } from '@postrider/testing';
import { expect, test } from 'vitest';
import { startPostrider } from '../running-postrider.js';
import { until } from './maildirs.js';

const mebi = 1024 * 1024;
/** Longer than a record waits until dispatch stops, and a segment until it is given up. */
const fullFor = 10_000;

/** Root outside of a container, or in one that may mount. */
function mayMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'postrider-test', folder], { stdio: 'ignore' });
    execFileSync('umount', [folder]);
    return true;
  } catch {
    return false;
  } finally {
    rmdirSync(folder);
  }
}

function fill(file: string, folder: string): void {
  const handle = openSync(file, 'w');
  try {
    for (;;) {
      const { bavail, bsize } = statfsSync(folder);
      writeSync(handle, Buffer.alloc(Math.max(1, Math.min(mebi, bavail * bsize))));
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(handle);
  }
}

test.skipIf(!mayMount())('under load (needs the right to mount a disk)', { timeout: 240_000 }, async () => {
  // In flight when the disk is full: its outcome is known only then.
  const sink = await startSink({ rules: { '*': [{ at: 'dot', delay: 300 }] } });
  const postrider = await startPostrider([
    'hostname: mx.example.org',
    `routes: { "*": "smtp://127.0.0.1:${sink.port}" }`,
    'queue: { retry: { first: 1s, max: 2s } }',
  ]);
  await postrider.stop();
  const disk = join(postrider.folder, 'var');
  const ballast = join(disk, 'ballast');
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256m', 'postrider-test', disk]);
  try {
    await postrider.start();
    const load = startLoad({ port: postrider.port, sessions: 8, perSecond: 40, sizeInOctets: 5_000 });
    await until('mail at the sink', () => sink.count() > 50, 60_000);
    fill(ballast, disk);
    await until('refusals', () => load.temporaries > 0);
    await pause(fullFor);
    rmSync(ballast);
    const before = load.accepted.size;
    await until('mail taken again', () => load.accepted.size > before + 50, 90_000);
    const { accepted } = await load.stop();
    const summary = async (): Promise<boolean> => {
      const { code, stdout } = await postrider.command('queue', 'summary', '--json');
      if (code > 1) return false;
      const { active, inFlight, deferred, held } = JSON.parse(stdout) as Record<string, number>;
      return [active, inFlight, deferred, held].every((count) => count === 0);
    };
    // What the owner has not read yet is in no summary.
    const missing = (): readonly string[] =>
      [...accepted.keys()].filter((marker) => !sink.received.has(marker));
    await until('all that was accepted', () => missing().length === 0, 90_000);
    await until('an empty queue', summary, 90_000);
    expect([...sink.received].filter(([marker, count]) => accepted.has(marker) && count > 1)).toEqual([]);
  } finally {
    await postrider.stop();
    execFileSync('umount', [disk]);
    await postrider.remove();
    await sink.stop();
  }
});
