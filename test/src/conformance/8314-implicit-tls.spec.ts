/** Real clients on port 465's listener: TLS from the first octet on, then AUTH (RFC 8314 §3.3). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { makeUser, writeUsers } from '@postrider/auth';
import { tempFolder, type TempFolder } from '@postrider/testing';
import nodemailer from 'nodemailer';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { runClient, testWith } from '../e2e/peers.js';
import { startIngress, type RunningIngress } from './running-ingress.js';
import { contentOf } from './transactions.js';

let folder: TempFolder;
let ingress: RunningIngress;
beforeAll(async () => {
  folder = tempFolder('postrider-submissions-');
  writeUsers(join(folder.path, 'users'), [await makeUser('ann@ours.test', 'pass word', [])]);
  ingress = await startIngress({
    config: {
      data_dir: folder.path,
      listeners: { s: { role: 'submissions', listen: ['127.0.0.1:0'] } },
    },
  });
});
afterAll(async () => {
  await ingress.drain();
  folder.remove();
});
beforeEach(() => {
  ingress.spool.mails.length = 0;
});

function takenFromAnn(): void {
  const [mail] = ingress.spool.mails;
  expect(mail?.envelope).toMatchObject({ identity: 'ann@ours.test', client: { protocol: 'ESMTPSA' } });
  expect(contentOf(mail)).toContain('by a real client');
}

for (const mechanism of ['PLAIN', 'LOGIN'])
  testWith('swaks', 'Net::SSLeay')(`swaks, ${mechanism}, pipelined`, async () => {
    const words = `--server 127.0.0.1:${ingress.port} --from ann@ours.test --to a@away.test,b@away.test --tlsc --pipeline --auth ${mechanism}`;
    const secrets = ['--auth-user', 'ann@ours.test', '--auth-password', 'pass word'];
    const body = ['--header', 'From: ann@ours.test', '--body', 'by a real client'];
    const { code, output } = await runClient('swaks', [...words.split(' '), ...secrets, ...body]);
    expect(code, output).toBe(0);
    takenFromAnn();
  });

testWith('openssl')('openssl s_client, all of a mail by hand', async () => {
  const plain = Buffer.from('\0ann@ours.test\0pass word').toString('base64');
  const lines = [
    'EHLO client.example',
    `AUTH PLAIN ${plain}`,
    'MAIL FROM:<ann@ours.test>',
    'RCPT TO:<far@away.test>',
    'DATA',
    'From: ann@ours.test\n\nby a real client\n.',
    'QUIT',
  ];
  const words = ['s_client', '-crlf', '-quiet', '-connect', `127.0.0.1:${ingress.port}`];
  const child = spawn('openssl', words, { stdio: ['pipe', 'pipe', 'ignore'] });
  child.stdin.on('error', () => undefined);
  let said = '';
  // A line after each reply, as somebody types it.
  child.stdout.setEncoding('latin1').on('data', (text: string) => {
    said += text;
    if (/^[0-9]{3} [^\n]*\n$/m.test(text)) child.stdin.write(`${lines.shift() ?? ''}\n`);
  });
  await once(child, 'exit');
  expect(said).toContain('250 2.0.0 Ok: queued as');
  takenFromAnn();
});

testWith('python3')('smtplib.SMTP_SSL', async () => {
  const program = `
import smtplib, ssl, sys
with smtplib.SMTP_SSL('127.0.0.1', int(sys.argv[1]), context=ssl._create_unverified_context()) as server:
    server.login('ann@ours.test', 'pass word')
    server.sendmail('ann@ours.test', ['far@away.test'], 'From: ann@ours.test\\n\\nby a real client\\n',
                    ['RET=HDRS', 'ENVID=e1'], ['NOTIFY=SUCCESS'])
`;
  const { code, output } = await runClient('python3', ['-c', program, String(ingress.port)]);
  expect(code, output).toBe(0);
  takenFromAnn();
  expect(ingress.spool.mails[0]?.envelope).toMatchObject({
    dsn: { ret: 'HDRS', envid: 'e1' },
    recipients: [{ notify: ['SUCCESS'] }],
  });
});

test('nodemailer, which asks for DSNs', async () => {
  const transport = nodemailer.createTransport({
    host: '127.0.0.1',
    port: ingress.port,
    secure: true,
    tls: { rejectUnauthorized: false },
    auth: { user: 'ann@ours.test', pass: 'pass word' },
  });
  await transport.sendMail({
    from: 'ann@ours.test',
    to: 'far@away.test',
    text: 'by a real client',
    dsn: { id: 'e2', return: 'full', notify: ['failure', 'delay'], recipient: 'ann@ours.test' },
  });
  takenFromAnn();
  expect(ingress.spool.mails[0]?.envelope).toMatchObject({
    dsn: { ret: 'FULL', envid: 'e2' },
    recipients: [{ notify: ['FAILURE', 'DELAY'] }],
  });
  transport.close();
});
