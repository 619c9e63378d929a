/** Mail with addresses and header in UTF-8 goes to hops that take it (RFC 6531), and comes back from others (RFC 6533). */
import { join } from 'node:path';
import { startSink, usualExtensions, type Sink } from '@postrider/testing';
import { afterAll, beforeAll, expect } from 'vitest';
import { startPostrider, type RunningPostrider } from '../running-postrider.js';
import { mailsIn, until } from './maildirs.js';
import { runClient, testWith } from './peers.js';

let postrider: RunningPostrider;
let able: Sink;
let unable: Sink;

beforeAll(async () => {
  able = await startSink({ keepMails: true, extensions: [...usualExtensions, 'SMTPUTF8', 'DSN'] });
  unable = await startSink({ keepMails: true });
  postrider = await startPostrider([
    'hostname: postrider.example.org',
    'local: { domains: [xn--bcher-kva.example], users: listed, list: ["jörg", ann], deliver: "maildir:./mail" }',
    `routes: { able.test: "smtp://127.0.0.1:${able.port}", unable.test: "smtp://127.0.0.1:${unable.port}" }`,
  ]);
});
afterAll(async () => {
  await postrider.remove();
  await able.stop();
  await unable.stop();
});

/** By Python's smtplib, which asks for SMTPUTF8 as addresses and header need it. */
const send = async (from: string, to: string, subject: string): Promise<void> => {
  const program = `
import smtplib, sys
port, sender, recipient, subject = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
text = 'From: me@example.org\\r\\nSubject: ' + subject + '\\r\\n\\r\\ntext\\r\\n'
with smtplib.SMTP('127.0.0.1', port) as server:
    server.ehlo('client.example')
    server.sendmail(sender, [recipient], text.encode('utf-8'), mail_options=['SMTPUTF8', 'BODY=8BITMIME'])
print('sent')
`;
  expect(await runClient('python3', ['-c', program, String(postrider.port), from, to, subject])).toEqual({
    code: 0,
    output: 'sent\n',
  });
};
const mailsFor = (user: string): readonly string[] =>
  mailsIn(join(postrider.folder, `mail/${user}/Maildir`)).map((mail) =>
    Buffer.from(mail, 'latin1').toString(),
  );

testWith('python3')('a hop that offers it gets it as it was, domains in A-labels', async () => {
  await send('jörg@bücher.example', '用户@able.test', 'grüße');
  const mail = await until('the mail', () => able.mails[0]);
  expect(mail.mailParameters).toMatch(/\bSMTPUTF8\b/);
  expect(
    [mail.reversePath, ...mail.recipients].map((text) => Buffer.from(text, 'latin1').toString()),
  ).toEqual(['jörg@xn--bcher-kva.example', '用户@able.test']);
  expect(Buffer.from(mail.content, 'latin1').toString()).toContain('Subject: grüße\r\n');
  expect(able.report().violations).toEqual([]);
});

testWith('python3')('what does not need it goes on without', async () => {
  await send('ann@bücher.example', 'you@unable.test', 'plain');
  const mail = await until('the mail', () => unable.mails[0]);
  expect(mail.mailParameters).not.toContain('SMTPUTF8');
});

testWith('python3')('what needs it comes back in UTF-8, to a mailbox in UTF-8', async () => {
  await send('jörg@bücher.example', 'jürgen@unable.test', 'zurück');
  const [dsn] = await until('the DSN', () => mailsFor('jörg').length > 0 && mailsFor('jörg'));
  expect(dsn).toMatch(/Content-Type: message\/global-delivery-status/);
  expect(dsn).toMatch(/Final-Recipient: utf-8; jürgen@unable\.test\r?\nAction: failed\r?\nStatus: 5\.6\.7/);
  expect(dsn).toMatch(/Content-Type: message\/global-headers/);
  expect(dsn).toContain('Subject: zurück');
  expect(unable.mails).toHaveLength(1);
});

testWith('python3')('to a mailbox in US-ASCII it comes back in 7 bits', async () => {
  await send('ann@bücher.example', 'you@unable.test', 'zurück');
  const [dsn] = await until('the DSN', () => mailsFor('ann').length > 0 && mailsFor('ann'));
  expect(dsn).toMatch(/Status: 5\.6\.7/);
  expect(dsn).toMatch(/Content-Type: message\/global-headers\r?\nContent-Transfer-Encoding: base64/);
});
