/** Mail from real clients for a local user ends as a file in the Maildir, and in none but it. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, expect } from 'vitest';
import { startPostrider, type RunningPostrider } from '../running-postrider.js';
import { mailsIn, until } from './maildirs.js';
import { smtplib, swaks, testWith } from './peers.js';

let postrider: RunningPostrider;
beforeAll(async () => {
  postrider = await startPostrider(['local: { deliver: "maildir:./mail" }']);
});
afterAll(() => postrider.remove());

const maildirOf = (user: string): string => join(postrider.folder, 'mail', user, 'Maildir');
const firstMailOf = (user: string): Promise<string> =>
  until(`a mail for ${user}`, () => mailsIn(maildirOf(user))[0]);

testWith('swaks')('swaks', async () => {
  const { code, output } = await swaks(
    postrider.port,
    '--from',
    'me@example.org',
    '--to',
    'you@localhost',
    '--header',
    'Subject: by swaks',
  );
  expect(output).toMatch(/250 2\.0\.0 Ok: queued as [0-9a-z]{18}/);
  expect(code).toBe(0);
  const id = /queued as ([0-9a-z]{18})/.exec(output)?.[1];
  const mail = await firstMailOf('you');
  expect(mail).toContain('Subject: by swaks\r\n');
  expect(mail).toContain('Return-Path: <me@example.org>\r\n');
  expect(mail).toMatch(new RegExp(`^Received: from .*(\r\n\t.*)*id ${id}`, 'm'));
  expect(readdirSync(join(maildirOf('you'), 'tmp'))).toEqual([]);
});

testWith('python3')("Python's smtplib", async () => {
  expect(await smtplib(postrider.port, 'me@example.org', 'python@localhost', 'by smtplib')).toMatchObject({
    code: 0,
  });
  expect(await firstMailOf('python')).toContain('Subject: by smtplib\r\n');
});

testWith()('nodemailer', async () => {
  const transport = createTransport({
    host: '127.0.0.1',
    port: postrider.port,
    secure: false,
    ignoreTLS: true,
  });
  await transport.sendMail({
    from: 'me@example.org',
    to: 'node@localhost',
    subject: 'by nodemailer',
    text: 'a line\n.\nanother',
  });
  const mail = await firstMailOf('node');
  expect(mail).toContain('Subject: by nodemailer\r\n');
  expect(mail).toContain('a line\r\n.\r\nanother');
});

testWith('swaks')('several recipients of one mail each get it once', async () => {
  await swaks(postrider.port, '--to', 'one@localhost,two@localhost', '--header', 'Subject: for both');
  for (const user of ['one', 'two']) {
    expect(await firstMailOf(user)).toContain('Subject: for both');
    expect(mailsIn(maildirOf(user))).toHaveLength(1);
  }
});
