/** What a next hop says decides: down or 4xx is tried again, also over a restart; 5xx comes back as a DSN. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { freePort, startPostrider, type RunningPostrider } from '../running-postrider.js';
import { dumpedMails, dumpFolder, startSmtpSink, type CountingSink } from '../smtp-sink.js';
import { mailsIn, until } from './maildirs.js';
import { swaks, testWith } from './peers.js';

let postrider: RunningPostrider;
let refusing: CountingSink;
const ports = { down: 0, grey: 0, gone: 0 };
const folder = dumpFolder();

beforeAll(async () => {
  for (const name of ['down', 'grey', 'gone'] as const) ports[name] = await freePort();
  refusing = await startSmtpSink(ports.gone, { flags: ['-f', 'rcpt'] });
  postrider = await startPostrider([
    'hostname: postrider.example.org',
    'local: { deliver: "maildir:./mail" }',
    'queue: { retry: { first: 1s, max: 2s } }',
    `routes: { down.test: "smtp://127.0.0.1:${ports.down}", grey.test: "smtp://127.0.0.1:${ports.grey}", gone.test: "smtp://127.0.0.1:${ports.gone}" }`,
  ]);
});
afterAll(async () => {
  await postrider.remove();
  await refusing.stop();
  rmSync(folder, { recursive: true });
});

const send = async (to: string, from = 'me@localhost'): Promise<string> => {
  const { output } = await swaks(
    postrider.port,
    '--from',
    from,
    '--to',
    to,
    '--header',
    `Subject: for ${to}`,
  );
  return /queued as (\S+)/.exec(output)?.[1] ?? output;
};
const dumped = (to: string): Promise<string> =>
  until(
    `the mail for ${to}`,
    () => dumpedMails(folder).find((mail) => mail.includes(`Subject: for ${to}\n`)),
    60_000,
  );
const deferred = (id: string): Promise<string> =>
  until(`${id} deferred`, async () => {
    const { stdout } = await postrider.command('queue', 'show', id, '--json');
    return stdout.includes('"deferred"') && stdout;
  });

testWith('swaks', 'smtp-sink')(
  'a next hop that is down gets its mail when it is back, also over a restart',
  async () => {
    const id = await send('you@down.test');
    expect(await deferred(id)).toContain('ECONNREFUSED');
    expect(await postrider.stop()).toBe(0);
    await postrider.start();
    await deferred(id);
    const sink = await startSmtpSink(ports.down, { dumpFolder: folder });
    expect(await dumped('you@down.test')).toContain(id);
    await sink.stop();
  },
);

testWith('swaks', 'smtp-sink')('4xx at RCPT is tried again until it is 250', async () => {
  const refusal = await startSmtpSink(ports.grey, { flags: ['-r', 'rcpt'] });
  const id = await send('you@grey.test');
  await deferred(id);
  await refusal.stop();
  const sink = await startSmtpSink(ports.grey, { dumpFolder: folder });
  expect(await dumped('you@grey.test')).toContain(id);
  await sink.stop();
});

testWith('swaks', 'smtp-sink')('5xx comes back to the sender as a DSN', async () => {
  const id = await send('nobody@gone.test', 'sender@localhost');
  const dsn = await until('a DSN', () => mailsIn(join(postrider.folder, 'mail/sender/Maildir'))[0]);
  expect(dsn).toContain('Return-Path: <>');
  expect(dsn).toContain('Content-Type: multipart/report; report-type=delivery-status');
  expect(dsn).toContain('Final-Recipient: rfc822; nobody@gone.test');
  expect(dsn).toMatch(/^Status: 5\.\d+\.\d+\r$/m);
  expect(dsn).toContain(id);
});

testWith('swaks', 'smtp-sink')('no DSN about a null reverse-path', async () => {
  const id = await send('nobody@gone.test', '<>');
  await until(`${id} failed`, async () => {
    const { stdout } = await postrider.command('trace', id, '--json');
    return stdout.includes('"failed"');
  });
  const { stdout } = await postrider.command('trace', id, '--json');
  expect(stdout).not.toContain('"bounced"');
  expect((await postrider.command('queue', 'list', '--json')).stdout).not.toContain(id);
});
