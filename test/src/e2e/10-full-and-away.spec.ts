/** When something is full or away, new mail hears it at once and what was accepted stays (DESIGN §2, 5). */
import { closeSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { freePort, startPostrider, type RunningPostrider } from '../running-postrider.js';
import { dumpFolder, startSmtpSink } from '../smtp-sink.js';
import { openDialogue } from './dialogue.js';
import { until } from './maildirs.js';
import { testWith } from './peers.js';
import { fill, mayMount, onSmallDisk } from './small-disk.js';

const running: RunningPostrider[] = [];
afterAll(async () => {
  for (const postrider of running) await postrider.remove();
});

/** @returns the reply that decided: to MAIL, RCPT, DATA or the final dot */
async function tryToSend(port: number, content: string): Promise<string> {
  const session = await openDialogue(port);
  try {
    await session.command('EHLO client.example');
    for (const command of ['MAIL FROM:<me@example.org>', 'RCPT TO:<you@down.test>', 'DATA']) {
      const reply = await session.command(command);
      if (!/^[23]/.test(reply)) return reply;
    }
    return await session.command(`Subject: t\r\n\r\n${content}\r\n.`);
  } finally {
    session.close();
  }
}

testWith('smtp-sink')('a stream at its limit: 452 4.3.1, and everything accepted arrives', async () => {
  const next = await freePort();
  const postrider = await startPostrider([
    'hostname: postrider.example.org',
    'spool: { max_size: 32MiB }',
    'queue: { retry: { first: 1s, max: 1s } }',
    `routes: { "*": "smtp://127.0.0.1:${next}" }`,
  ]);
  running.push(postrider);
  const content = `${'x'.repeat(76)}\r\n`.repeat(2500);
  let accepted = 0;
  const refusal = await until('a refusal', async () => {
    const reply = await tryToSend(postrider.port, content);
    if (reply.startsWith('250')) accepted++;
    return !reply.startsWith('250') && reply;
  });
  expect(refusal).toMatch(/^452 4\.3\.1/);
  expect(accepted).toBeGreaterThan(10);
  const folder = dumpFolder();
  const sink = await startSmtpSink(next, { dumpFolder: folder });
  await sink.reached(accepted);
  await until(
    'room again',
    async () => (await tryToSend(postrider.port, 'small again')).startsWith('250'),
    60_000,
  );
  await sink.reached(accepted + 1);
  await sink.stop();
  rmSync(folder, { recursive: true });
});

test('NATS away: 451 4.3.0, and recovery without a restart of the services', async () => {
  const postrider = await startPostrider(['hostname: postrider.example.org', 'routes: { "*": "discard:" }']);
  running.push(postrider);
  expect(await tryToSend(postrider.port, 'before')).toMatch(/^250/);
  const ingress = postrider.pidsOf('smtp-ingress');
  const [server] = postrider.pidsOf('nats-server');
  if (server === undefined) throw new Error('no nats-server runs');
  // Stopped, not killed: its supervisor would start it again at once.
  process.kill(server, 'SIGSTOP');
  try {
    expect(await tryToSend(postrider.port, 'while it is away')).toMatch(/^451 4\.3\.0/);
  } finally {
    process.kill(server, 'SIGCONT');
  }
  await until('mail is taken again', async () =>
    (await tryToSend(postrider.port, 'after')).startsWith('250'),
  );
  expect(postrider.pidsOf('smtp-ingress')).toEqual(ingress);
});

const mebibyte = 1024 * 1024;

const discarding = ['hostname: postrider.example.org', 'routes: { "*": "discard:" }'];

/** Empty files until no more can be made. @returns them */
function takeInodes(folder: string): readonly string[] {
  const files: string[] = [];
  try {
    for (;;) {
      const file = join(folder, `inode-${files.length}`);
      closeSync(openSync(file, 'w'));
      files.push(file);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    return files;
  }
}

test.skipIf(!mayMount())(
  'no room that free blocks would show, as with a quota (needs the right to mount): 452 4.3.1, and mail again once there is',
  async () => {
    await onSmallDisk({ settings: discarding, options: ['nr_inodes=400'] }, async (postrider, disk) => {
      expect(await tryToSend(postrider.port, 'hello')).toMatch(/^250/);
      const files = takeInodes(disk);
      const content = `${'x'.repeat(76)}\r\n`.repeat(2500);
      // The server's files hold 8 MiB: until it needs another one, all is well.
      const refusal = await until('a refusal', async () => {
        const reply = await tryToSend(postrider.port, content);
        return !reply.startsWith('250') && reply;
      });
      expect(refusal).toMatch(/^452 4\.3\.1/);
      files.forEach((file) => rmSync(file));
      await until('mail again', async () => (await tryToSend(postrider.port, 'hello')).startsWith('250'));
    });
  },
);

test.skipIf(!mayMount())(
  'a full disk (needs the right to mount one): 452 4.3.1 before and when it is full, and mail again once there is room',
  async () => {
    await onSmallDisk({ settings: discarding }, async (postrider, disk) => {
      const ballast = join(disk, 'ballast');
      const replyBecomes = (wanted: RegExp) =>
        until(wanted.source, async () => wanted.test(await tryToSend(postrider.port, 'hello')));
      await replyBecomes(/^250/);

      fill(ballast, disk, 40 * mebibyte);
      await replyBecomes(/^452 4\.3\.1/);
      rmSync(ballast);
      await replyBecomes(/^250/);

      const session = await openDialogue(postrider.port);
      for (const command of ['EHLO client.example', 'MAIL FROM:<>', 'RCPT TO:<you@down.test>', 'DATA'])
        await session.command(command);
      fill(ballast, disk, 0);
      const content = `${'x'.repeat(76)}\r\n`.repeat(2500);
      expect(await session.command(`Subject: t\r\n\r\n${content}\r\n.`)).toMatch(/^452 4\.3\.1/);
      session.close();
      expect(await tryToSend(postrider.port, 'hello')).toMatch(/^452 4\.3\.1/);
      rmSync(ballast);
      await replyBecomes(/^250/);
    });
  },
);
