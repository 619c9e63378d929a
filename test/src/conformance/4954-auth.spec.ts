/** AUTH (RFC 4954) and who may submit (RFC 6409), over real sockets and with real clients. */
import { join } from 'node:path';
import { makeUser, writeUsers } from '@postrider/auth';
import { tempFolder, type TempFolder } from '@postrider/testing';
import nodemailer from 'nodemailer';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { runClient, testWith } from '../e2e/peers.js';
import { greetedClient, RawClient } from './raw-client.js';
import { startIngress, type RunningIngress } from './running-ingress.js';
import { contentOf } from './transactions.js';

let folder: TempFolder;
let ingress: RunningIngress;
const port = { submission: 0, submissions: 0, mx: 0, clear: 0 };

beforeAll(async () => {
  folder = tempFolder('postrider-auth-');
  const file = join(folder.path, 'users');
  writeUsers(file, [await makeUser('ann@ours.test', 'pass word', ['@lists.test', 'x@any'])]);
  const listen = ['127.0.0.1:0'];
  ingress = await startIngress({
    config: {
      data_dir: folder.path,
      relay: { networks: ['127.0.0.0/8'] },
      limits: { auth_failures: 3 },
      listeners: {
        submission: { role: 'submission', listen },
        submissions: { role: 'submissions', listen },
        mx: { role: 'mx', listen },
        clear: { role: 'mx', listen, tls: { mode: 'off' }, auth: { mode: 'offered', without_tls: true } },
      },
    },
  });
  const [submission = 0, submissions = 0, mx = 0, clear = 0] = ingress.ports;
  Object.assign(port, { submission, submissions, mx, clear });
});
afterAll(async () => {
  await ingress.drain();
  folder.remove();
});
beforeEach(() => {
  ingress.spool.mails.length = 0;
});

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const right = base64('\0ann@ours.test\0pass word');
const wrong = (name: string): string => base64(`\0${name}\0wrong`);

async function submitting(): Promise<RawClient> {
  const client = await RawClient.connectTls(port.submissions);
  await client.reply();
  await client.command('EHLO client.example');
  return client;
}

test('nothing without TLS, nothing without AUTH', async () => {
  const client = await greetedClient(port.submission);
  const { lines } = await client.command('EHLO client.example');
  expect(lines).toContain('STARTTLS');
  expect(lines.some((line) => line.startsWith('AUTH'))).toBe(false);
  expect((await client.command('MAIL FROM:<ann@ours.test>')).code).toBe(530);
  expect((await client.command(`AUTH PLAIN ${right}`)).code).toBe(538);
  await client.command('STARTTLS');
  await client.startTls();
  expect((await client.command('EHLO client.example')).lines).toContain(
    'AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN',
  );
  expect((await client.command('MAIL FROM:<ann@ours.test>')).code).toBe(530);
  expect((await client.command(`AUTH PLAIN ${right}`)).code).toBe(235);
  expect((await client.command(`AUTH PLAIN ${right}`)).code).toBe(503);
  expect((await client.command('MAIL FROM:<ann@ours.test>')).code).toBe(250);
  expect((await client.command('AUTH PLAIN')).code).toBe(503);
  client.close();
});

test('where it is not offered it is refused, and not after HELO', async () => {
  const client = await greetedClient(port.mx);
  expect((await client.command(`AUTH PLAIN ${right}`)).code).toBe(502);
  expect((await client.command('MAIL FROM:<a@b.test> AUTH=<>')).code).toBe(555);
  const other = await greetedClient(port.clear, 'HELO client.example');
  expect((await other.command(`AUTH PLAIN ${right}`)).code).toBe(503);
  client.close();
  other.close();
});

describe('forms of the exchange', () => {
  test.each<[string, readonly string[], readonly number[]]>([
    ['an initial response', [`AUTH PLAIN ${right}`], [235]],
    ['in lower case', [`auth plain ${right}`], [235]],
    ['none', ['AUTH PLAIN', right], [334, 235]],
    ['LOGIN', ['AUTH LOGIN', base64('ann@ours.test'), base64('pass word')], [334, 334, 235]],
    ['LOGIN with a name', [`AUTH LOGIN ${base64('ann@ours.test')}`, base64('pass word')], [334, 235]],
    ['cancelled', ['AUTH PLAIN', '*', 'NOOP'], [334, 501, 250]],
    ['no base64', ['AUTH PLAIN', '!!!', 'NOOP'], [334, 501, 250]],
    ['padding in the middle', ['AUTH PLAIN AAA=BBB'], [501]],
    ['an empty initial response', ['AUTH PLAIN ='], [501]],
    ['a command for an answer', ['AUTH PLAIN', 'MAIL FROM:<a@b.test>', 'NOOP'], [334, 501, 250]],
    ['no such mechanism', ['AUTH CRAM-MD5'], [504]],
    ['no mechanism', ['AUTH'], [501]],
    ['too much', [`AUTH PLAIN ${right} more`], [501]],
    ['a very long line', ['AUTH PLAIN', 'A'.repeat(13_000), 'NOOP'], [334, 500, 250]],
    ['a long line that is borne', ['AUTH PLAIN', base64(`\0${'x'.repeat(8000)}`), 'NOOP'], [334, 501, 250]],
    ['binding that does not fit', [`AUTH SCRAM-SHA-256-PLUS ${base64('n,,n=a,r=b')}`], [501]],
  ])('%s', async (_, lines, codes) => {
    const client = await submitting();
    expect(await client.codes(...lines)).toEqual(codes);
    client.close();
  });

  test('what is sent ahead of the reply ends the session', async () => {
    const client = await submitting();
    client.write(`AUTH PLAIN\r\n${right}\r\n`);
    expect((await client.reply()).code).toBe(554);
    expect(await client.rest()).toBe('');
  });
});

test('a mail that is submitted says who sent it, and lacks nothing', async () => {
  const client = await submitting();
  await client.command(`AUTH PLAIN ${right}`);
  const envelope = ['MAIL FROM:<ann@ours.test> AUTH=ann+40ours.test', 'RCPT TO:<far@away.test>', 'DATA'];
  expect(await client.codes(...envelope, 'From: ann@ours.test\r\n\r\ntext\r\n.')).toEqual([
    250, 250, 354, 250,
  ]);
  const [mail] = ingress.spool.mails;
  expect(mail?.envelope).toMatchObject({ identity: 'ann@ours.test', client: { protocol: 'ESMTPSA' } });
  expect(contentOf(mail)).toMatch(
    /^Received: .*\r\n\t\(authenticated as ann@ours\.test\)\r\n(?:\t.*\r\n)*Message-ID: <\S+@mx\.example\.org>\r\nDate: .*\r\nFrom: /,
  );
  expect(mail?.envelope.sizeInOctets).toBe(mail?.content?.length);
  client.close();
});

test.each([
  ['<ann@ours.test>', 'Subject: x', 250],
  ['<>', 'Subject: x', 554],
  ['<>', 'From: ann@ours.test', 250],
  ['<ann@ours.test>', 'From: The Boss', 554],
  ['<ann@ours.test>', 'From: ann@ours.test\r\nFrom: ann@ours.test', 554],
])('MAIL FROM:%s, and then %j: %i (RFC 6409 §6.3)', async (from, header, code) => {
  const client = await submitting();
  await client.command(`AUTH PLAIN ${right}`);
  await client.codes(`MAIL FROM:${from}`, 'RCPT TO:<far@away.test>', 'DATA');
  expect((await client.command(`${header}\r\n\r\ntext\r\n.`)).code).toBe(code);
  if (code === 250) expect(contentOf(ingress.spool.mails[0])).toMatch(/^From: <?ann@ours\.test>?\r$/m);
  client.close();
});

test.each([
  ['ann+40ours.test', 'ann@ours.test'],
  ['news+40lists.test', 'news@lists.test'],
  ['boss+40ours.test', undefined],
  ['<>', undefined],
])('AUTH=%s of ann: submitted by %s (RFC 4954 §5)', async (given, submitter) => {
  const client = await submitting();
  await client.command(`AUTH PLAIN ${right}`);
  const mail = [`MAIL FROM:<ann@ours.test> AUTH=${given}`, 'RCPT TO:<far@away.test>', 'DATA'];
  expect(await client.codes(...mail, 'From: ann@ours.test\r\n\r\ntext\r\n.')).toEqual([250, 250, 354, 250]);
  expect(ingress.spool.mails[0]?.envelope.submitter).toBe(submitter);
  client.close();
});

test('who has not authenticated may say who submitted it, and is not believed', async () => {
  const client = await greetedClient(port.clear);
  expect(
    await client.codes('MAIL FROM:<a@b.test> AUTH=ann+40ours.test', 'RCPT TO:<c@ours.test>', 'DATA', '.'),
  ).toEqual([250, 250, 354, 250]);
  expect(ingress.spool.mails[0]?.envelope).not.toHaveProperty('submitter');
  client.close();
});

test('senders belong to who sends', async () => {
  const client = await submitting();
  await client.command(`AUTH PLAIN ${right}`);
  const codes = await client.codes(
    'MAIL FROM:<bob@ours.test>',
    'MAIL FROM:<ann@ours.test> AUTH=<',
    'MAIL FROM:<news@lists.test>',
    'RCPT TO:<far@away.test>',
    'DATA',
    'From: The Boss <boss@ours.test>\r\n\r\ntext\r\n.',
    'MAIL FROM:<>',
  );
  expect(codes).toEqual([550, 501, 250, 250, 354, 550, 250]);
  expect(ingress.spool.mails).toEqual([]);
  client.close();
});

test('domains of a submitted mail are fully qualified (RFC 6409 §4.2)', async () => {
  const client = await submitting();
  await client.command(`AUTH PLAIN ${right}`);
  const replied = async (command: string): Promise<string> => {
    const { code, lines } = await client.command(command);
    return `${code} ${lines[0]?.split(' ')[0]}`;
  };
  expect(await replied('MAIL FROM:<ann@host>')).toBe('550 5.7.1');
  expect(await replied('MAIL FROM:<x@any>')).toBe('554 5.1.8');
  expect(await replied('MAIL FROM:<ann@ours.test>')).toBe('250 2.1.0');
  for (const [domain, reply] of [
    ['sales', '554 5.1.2'],
    ['localhost', '250 2.1.5'],
    ['[192.0.2.1]', '250 2.1.5'],
    ['[IPv6:2001:db8::1]', '250 2.1.5'],
    ['away.test', '250 2.1.5'],
  ] as const)
    expect(await replied(`RCPT TO:<bob@${domain}>`), domain).toBe(reply);
  expect(await replied('RCPT TO:<postmaster>')).toBe('250 2.1.5');
  client.close();
  // A relay takes what comes (RFC 5321 §2.3.5 is for who sends).
  const relay = await greetedClient(port.clear);
  expect(await relay.codes('MAIL FROM:<x@any>', 'RCPT TO:<bob@sales>')).toEqual([250, 250]);
  relay.close();
});

test('a sender can not be hidden behind a header that is too large to look at', async () => {
  const client = await submitting();
  await client.command(`AUTH PLAIN ${right}`);
  for (const octets of [70_000, 400_000]) {
    await client.codes('MAIL FROM:<ann@ours.test>', 'RCPT TO:<far@away.test>', 'DATA');
    const padding = `X-Padding: ${'x'.repeat(900)}\r\n`.repeat(octets / 900);
    client.write(`${padding}From: boss@ours.test\r\n\r\ntext\r\n.\r\n`);
    expect([550, 552]).toContain((await client.reply()).code);
  }
  expect(ingress.spool.mails).toEqual([]);
  client.close();
});

test('an identity relays from anywhere; after STARTTLS it is forgotten', async () => {
  const client = await greetedClient(port.clear);
  await client.codes(`AUTH PLAIN ${right}`, 'MAIL FROM:<ann@ours.test>');
  expect((await client.command('RCPT TO:<far@away.test>')).code).toBe(250);
  client.close();
});

test('on a listener for everybody, too, an identity sends as itself, and its mail stays as it is', async () => {
  const client = await greetedClient(port.clear);
  await client.command(`AUTH PLAIN ${right}`);
  const mail = ['MAIL FROM:<ann@ours.test>', 'RCPT TO:<far@away.test>', 'DATA'];
  expect(
    await client.codes(
      'MAIL FROM:<bob@ours.test>',
      ...mail,
      'From: bob@ours.test\r\n\r\ntext\r\n.',
      ...mail,
      'Subject: x\r\n\r\ntext\r\n.',
    ),
  ).toEqual([550, 250, 250, 354, 550, 250, 250, 354, 250]);
  expect(contentOf(ingress.spool.mails[0])).toMatch(/^Received: [^]*\d\r\nSubject: x\r\n\r\ntext\r\n$/);
  client.close();
  const stranger = await greetedClient(port.clear);
  const codes = await stranger.codes(
    'MAIL FROM:<bob@ours.test>',
    'RCPT TO:<far@away.test>',
    'DATA',
    'text\r\n.',
  );
  expect(codes).toEqual([250, 250, 354, 250]);
  stranger.close();
});

test('a name that is tried too often is barred, the right password too', async () => {
  const client = await greetedClient(port.clear);
  expect((await client.command(`AUTH PLAIN ${wrong('nobody')}`)).code).toBe(535);
  expect((await client.command(`AUTH PLAIN ${wrong('nobody')}`)).code).toBe(535);
  expect((await client.command(`AUTH PLAIN ${wrong('nobody')}`)).code).toBe(535);
  expect((await client.command(`AUTH PLAIN ${right}`)).code).toBe(454);
  client.close();
});

describe('real clients', () => {
  let own: RunningIngress;
  beforeAll(async () => {
    own = await startIngress({
      config: {
        data_dir: folder.path,
        listeners: { s: { role: 'submission', listen: ['127.0.0.1:0'] } },
      },
    });
  });
  afterAll(() => own.drain());
  beforeEach(() => {
    own.spool.mails.length = 0;
  });

  const taken = (): void => {
    expect(own.spool.mails.map(({ envelope }) => envelope.identity)).toEqual(['ann@ours.test']);
  };

  for (const mechanism of ['PLAIN', 'LOGIN'])
    testWith('swaks', 'Net::SSLeay')(`swaks, ${mechanism}`, async () => {
      const words = `--server 127.0.0.1:${own.port} --from ann@ours.test --to far@away.test --tls --auth ${mechanism}`;
      const secrets = ['--auth-user', 'ann@ours.test', '--auth-password', 'pass word'];
      const { code, output } = await runClient('swaks', [...words.split(' '), ...secrets]);
      expect(code, output).toBe(0);
      taken();
    });

  testWith('python3')('smtplib', async () => {
    const program = `
import smtplib, ssl, sys
context = ssl._create_unverified_context()
with smtplib.SMTP('127.0.0.1', int(sys.argv[1])) as server:
    server.starttls(context=context)
    server.login('ann@ours.test', 'pass word')
    server.sendmail('ann@ours.test', ['far@away.test'], 'Subject: x\\n\\nby smtplib\\n')
`;
    const { code, output } = await runClient('python3', ['-c', program, String(own.port)]);
    expect(code, output).toBe(0);
    taken();
  });

  test('nodemailer', async () => {
    const transport = nodemailer.createTransport({
      host: '127.0.0.1',
      port: own.port,
      requireTLS: true,
      tls: { rejectUnauthorized: false },
      auth: { user: 'ann@ours.test', pass: 'pass word' },
    });
    await transport.sendMail({ from: 'ann@ours.test', to: 'far@away.test', text: 'by nodemailer' });
    taken();
    transport.close();
  });

  for (const mechanism of ['SCRAM-SHA-256', 'SCRAM-SHA-256-PLUS'])
    testWith('gsasl')(`GNU SASL, ${mechanism}`, async () => {
      const words = ['--smtp', '--connect', `127.0.0.1:${own.port}`, '--mechanism', mechanism];
      const secrets = ['--authentication-id', 'ann@ours.test', '--password', 'pass word', '--no-cb'];
      const tls = ['--x509-ca-file', ''];
      const all = mechanism.endsWith('PLUS') ? secrets.slice(0, -1) : secrets;
      const { output } = await runClient('gsasl', [...words, ...all, ...tls, '--verbose'], '');
      expect(output).toContain('235 2.7.0');
    });
});
