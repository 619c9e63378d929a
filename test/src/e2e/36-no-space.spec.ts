/**
 * A disk that is full to the last octet under load, and has room again: new mail is refused meanwhile, outcomes are
 * written when they can be, nothing that was accepted is lost, and nothing that was delivered goes out again.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startLoad, startSink } from '@postrider/testing';
import { expect, onTestFinished, test } from 'vitest';
import { until } from './maildirs.js';
import { fill, mayMount, onSmallDisk } from './small-disk.js';

/** Longer than a record waits until dispatch stops, and a segment until it is given up. */
const fullFor = 10_000;

test.skipIf(!mayMount())('under load (needs the right to mount a disk)', { timeout: 240_000 }, async () => {
  // In flight when the disk is full: its outcome is known only then.
  const sink = await startSink({ rules: { '*': [{ at: 'dot', delay: 300 }] } });
  onTestFinished(() => sink.stop());
  const settings = [
    'hostname: mx.example.org',
    `routes: { "*": "smtp://127.0.0.1:${sink.port}" }`,
    'queue: { retry: { first: 1s, max: 2s } }',
  ];
  await onSmallDisk({ settings }, async (postrider, disk) => {
    const ballast = join(disk, 'ballast');
    const load = startLoad({ port: postrider.port, sessions: 8, perSecond: 40, sizeInOctets: 5_000 });
    await until('mail at the sink', () => sink.count() > 50, 60_000);
    fill(ballast, disk, 0);
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
  });
});
