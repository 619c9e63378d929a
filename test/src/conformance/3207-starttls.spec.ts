/** STARTTLS (RFC 3207) and TLS at once (RFC 8314 §3.3), over real sockets and with real clients. */
import { copyFileSync, existsSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { join } from 'node:path';
import { freePort, selfSigned, tempFolder, type TempFolder } from '@postrider/testing';
import nodemailer from 'nodemailer';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { inCi, runClient, testWith } from '../e2e/peers.js';
import { canRunPostfix, startPostfix } from '../running-postfix.js';
import { greetedClient, type RawClient } from './raw-client.js';
import { startIngress, type RunningIngress } from './running-ingress.js';
import { contentOf, transaction, until } from './transactions.js';

let folder: TempFolder;
let ingress: RunningIngress;

const fileOf = (name: string): string => join(folder.path, name);

function writeCertificate(name: string, host: string): { certificate_file: string; key_file: string } {
  const { cert, key } = selfSigned([host]);
  const files = { certificate_file: fileOf(`${name}.cert`), key_file: fileOf(`${name}.key`) };
  writeFileSync(files.certificate_file, cert);
  writeFileSync(files.key_file, key);
  return files;
}

beforeAll(async () => {
  folder = tempFolder('postrider-tls-');
  const first = writeCertificate('first', 'mx.example.org');
  const named = writeCertificate('named', 'mail.test');
  ingress = await startIngress({
    config: {
      data_dir: fileOf('var'),
      relay: { networks: ['127.0.0.0/8'] },
      listeners: {
        mx: { role: 'mx', listen: ['127.0.0.1:0'], tls: { ...first, sni: { 'mail.test': named } } },
        own: { role: 'mx', listen: ['127.0.0.1:0'] },
      },
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

async function clientInTls(port = ingress.port, servername = ''): Promise<RawClient> {
  const client = await greetedClient(port);
  expect((await client.command('STARTTLS')).code).toBe(220);
  await client.startTls(servername === '' ? {} : { servername });
  return client;
}

test('the session begins anew, and mail comes with ESMTPS and its cipher', async () => {
  const client = await greetedClient(ingress.port);
  expect((await client.command('EHLO client.example')).lines).toContain('STARTTLS');
  expect((await client.command('STARTTLS now')).code).toBe(501);
  expect((await client.command('STARTTLS')).code).toBe(220);
  await client.startTls();
  expect((await client.command('MAIL FROM:<a@b.test>')).code).toBe(503);
  expect((await client.command('EHLO client.example')).lines).not.toContain('STARTTLS');
  expect((await client.command('STARTTLS')).code).toBe(503);
  expect(await client.codes(...transaction, 'text\r\n.', 'QUIT')).toEqual([250, 250, 354, 250, 221]);
  expect(await client.rest()).toBe('');
  const [mail] = ingress.spool.mails;
  expect(mail?.envelope.client.protocol).toBe('ESMTPS');
  expect(contentOf(mail)).toMatch(/with ESMTPS id \S+\r\n\tfor <c@d\.test>\r\n\ttls TLS_[A-Z0-9_]+;/);
});

test('not after HELO, and not in a transaction', async () => {
  const client = await greetedClient(ingress.port, 'HELO client.example');
  expect((await client.command('STARTTLS')).code).toBe(503);
  await client.codes('EHLO client.example', 'MAIL FROM:<a@b.test>');
  expect((await client.command('STARTTLS')).code).toBe(503);
  client.close();
});

test('a command injected behind STARTTLS is not taken, before TLS or within', async () => {
  const client = await greetedClient(ingress.port);
  client.write('STARTTLS\r\nRSET\r\n');
  expect((await client.reply()).code).toBe(554);
  expect(await client.rest()).toBe('');
});

test('clear text instead of a handshake ends the connection and is no command', async () => {
  const client = await greetedClient(ingress.port);
  expect((await client.command('STARTTLS')).code).toBe(220);
  client.write(`EHLO client.example\r\n${transaction.join('\r\n')}\r\n`);
  await client.rest();
  expect(client.unread).not.toMatch(/^250/m);
  expect(ingress.spool.mails).toEqual([]);
});

test('a client that leaves in the handshake leaves nothing', async () => {
  const before = ingress.figures()['sessions'];
  const client = await greetedClient(ingress.port);
  expect((await client.command('STARTTLS')).code).toBe(220);
  client.close();
  await until(() => ingress.figures()['sessions'] === before);
  expect(ingress.faults).toEqual([]);
});

test.each([
  ['', 'mx.example.org'],
  ['mail.test', 'mail.test'],
  ['MAIL.test', 'mail.test'],
  ['other.test', 'mx.example.org'],
])('SNI %j: the certificate of %s', async (servername, subject) => {
  const client = await greetedClient(ingress.port);
  await client.command('STARTTLS');
  const secured = await client.startTls(servername === '' ? {} : { servername });
  expect(secured.getPeerCertificate().subject.CN).toBe(subject);
  client.close();
});

test('TLS before 1.2 is refused', async () => {
  const client = await greetedClient(ingress.port);
  await client.command('STARTTLS');
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
  await expect(client.startTls(old)).rejects.toThrow();
});

test('changed files count from the next handshake on; bad ones do not; sessions stay', async () => {
  const before = await clientInTls();
  copyFileSync(fileOf('first.cert'), fileOf('kept'));
  writeFileSync(fileOf('first.cert'), 'no certificate');
  await pause(400);
  expect(await subjectOf(ingress.port)).toBe('mx.example.org');
  writeCertificate('first', 'renewed.test');
  let subject = '';
  while (subject !== 'renewed.test') subject = await subjectOf(ingress.port);
  expect((await before.command('NOOP')).code).toBe(250);
  before.close();
});

async function subjectOf(port: number): Promise<string> {
  const client = await greetedClient(port);
  await client.command('STARTTLS');
  const { subject } = (await client.startTls()).getPeerCertificate();
  client.close();
  return String(subject.CN);
}

test('without a configured certificate one is made, its key for us alone, and it stays', async () => {
  expect(await subjectOf(ingress.ports[1] ?? 0)).toBe('mx.example.org');
  expect(statSync(fileOf('var/tls/key.pem')).mode & 0o777).toBe(0o600);
  expect(existsSync(fileOf('var/tls/certificate.pem'))).toBe(true);
});

test('a client that is slow in its handshake does not keep the others waiting', async () => {
  const slow = connect({ port: ingress.port, host: '127.0.0.1' });
  slow.on('error', () => undefined);
  const client = await clientInTls();
  expect((await client.command('EHLO client.example')).code).toBe(250);
  client.close();
  slow.destroy();
});

testWith('swaks', 'Net::SSLeay')('swaks by STARTTLS', async () => {
  const words = ['--server', `127.0.0.1:${ingress.port}`, '--from', 'a@b.test', '--to', 'c@d.test', '--tls'];
  const { code, output } = await runClient('swaks', words);
  expect(code, output).toBe(0);
  expect(ingress.spool.mails[0]?.envelope.client.protocol).toBe('ESMTPS');
});

testWith('openssl')('openssl s_client by STARTTLS', async () => {
  const words = ['s_client', '-starttls', 'smtp', '-crlf', '-quiet', '-connect', `127.0.0.1:${ingress.port}`];
  const { output } = await runClient('openssl', words, 'QUIT\n');
  expect(output).toContain('221 2.0.0');
});

testWith('python3')('smtplib by STARTTLS', async () => {
  const program = `
import smtplib, ssl, sys
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
with smtplib.SMTP('127.0.0.1', int(sys.argv[1])) as server:
    server.starttls(context=context)
    server.sendmail('a@b.test', ['c@d.test'], 'Subject: x\\n\\nby smtplib\\n')
`;
  const { code, output } = await runClient('python3', ['-c', program, String(ingress.port)]);
  expect(code, output).toBe(0);
  expect(ingress.spool.mails[0]?.envelope.client.protocol).toBe('ESMTPS');
});

test('nodemailer by STARTTLS, a large mail', async () => {
  const transport = nodemailer.createTransport({
    host: '127.0.0.1',
    port: ingress.port,
    requireTLS: true,
    tls: { rejectUnauthorized: false },
  });
  await transport.sendMail({
    from: 'a@b.test',
    to: 'c@d.test',
    text: 'by nodemailer',
    attachments: [{ filename: 'x', content: Buffer.alloc(600_000, 'x') }],
  });
  const [mail] = ingress.spool.mails;
  expect(mail?.envelope.client.protocol).toBe('ESMTPS');
  expect(mail?.envelope.large?.octets).toBe(mail?.envelope.sizeInOctets);
  transport.close();
});

test.runIf(canRunPostfix() || inCi)('Postfix by STARTTLS, a mail with two recipients', async () => {
  const postfix = await startPostfix({ port: await freePort(), nextHopPort: ingress.port, encrypts: true });
  try {
    const words = [
      '--server',
      `127.0.0.1:${postfix.port}`,
      '--from',
      'a@b.test',
      '--to',
      'c@d.test,e@d.test',
    ];
    const { code, output } = await runClient('swaks', words);
    expect(code, output).toBe(0);
    await until(() => ingress.spool.mails.length > 0);
    const [mail] = ingress.spool.mails;
    expect(mail?.envelope.client).toMatchObject({ helo: 'postfix.bench.test', protocol: 'ESMTPS' });
    expect(mail?.envelope.recipients).toHaveLength(2);
  } finally {
    await postfix.stop();
  }
});
