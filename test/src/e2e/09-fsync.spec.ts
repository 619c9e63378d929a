/** Group commit, seen from the kernel: at least one fsync before each 250, and far fewer than mails under load. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect } from 'vitest';
import { startPostrider, type RunningPostrider } from '../running-postrider.js';
import { openDialogue } from './dialogue.js';
import { runClient, testWith } from './peers.js';

let postrider: RunningPostrider;
const folder = mkdtempSync(join(tmpdir(), 'postrider-strace-'));
beforeAll(async () => {
  postrider = await startPostrider(['hostname: postrider.example.org', 'routes: { "*": "discard:" }']);
});
afterAll(async () => {
  await postrider.remove();
  rmSync(folder, { recursive: true });
});

interface Sync {
  /** Seconds since the epoch. */
  readonly at: number;
  readonly file: string;
}

/** fsyncs of nats-server on the spool's files while `act` runs. */
async function syncsDuring(act: () => Promise<void>): Promise<readonly Sync[]> {
  const [server] = postrider.pidsOf('nats-server');
  const file = join(folder, `trace-${Date.now()}`);
  const words = ['-f', '-y', '-ttt', '-e', 'trace=fsync,fdatasync', '-o', file, '-p', String(server)];
  const strace = spawn('strace', words, { stdio: 'ignore' });
  await pause(1000);
  await act();
  strace.kill('SIGINT');
  await once(strace, 'exit');
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const match = /^\S+ +([0-9.]+) f(?:data)?sync\([0-9]+<([^>]*)>/.exec(line);
      return match?.[2]?.includes('SPOOL-') ? [{ at: Number(match[1]), file: match[2] }] : [];
    });
}

testWith('strace')('one mail at a time: a sync between the final dot and each 250', async () => {
  const times: { readonly sent: number; readonly answered: number }[] = [];
  const syncs = await syncsDuring(async () => {
    const session = await openDialogue(postrider.port);
    await session.command('EHLO client.example');
    for (let n = 0; n < 10; n++) {
      for (const command of ['MAIL FROM:<me@example.org>', 'RCPT TO:<you@dest.test>', 'DATA'])
        await session.command(command);
      const sent = Date.now() / 1000;
      expect(await session.command('Subject: t\r\n\r\nt\r\n.')).toMatch(/^250/);
      times.push({ sent, answered: Date.now() / 1000 });
    }
    session.close();
  });
  // A millisecond either way: the clocks are read in two processes.
  for (const { sent, answered } of times)
    expect(syncs.filter(({ at }) => at >= sent - 0.001 && at <= answered + 0.001).length).toBeGreaterThan(0);
});

testWith('strace', 'smtp-source')('under load: far fewer syncs than mails', async () => {
  const mails = 2000;
  const syncs = await syncsDuring(async () => {
    const words = [
      '-s',
      '100',
      '-m',
      String(mails),
      '-d',
      '-l',
      '2000',
      '-f',
      'a@bench.test',
      '-t',
      'b@dest.test',
    ];
    expect(await runClient('smtp-source', [...words, `127.0.0.1:${postrider.port}`])).toMatchObject({
      code: 0,
    });
  });
  process.stdout.write(`group commit: ${syncs.length} syncs of the spool for ${mails} mails\n`);
  expect(syncs.length).toBeGreaterThan(0);
  expect(syncs.length).toBeLessThan(mails / 4);
});
