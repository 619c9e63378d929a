/** Real clients, each in its own way of speaking: swaks, Python's smtplib, nodemailer, Postfix' smtp-source. */
import nodemailer from 'nodemailer';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { runClient, testWith } from '../e2e/peers.js';
import { startIngress, type RunningIngress } from './running-ingress.js';
import { contentOf } from './transactions.js';

let ingress: RunningIngress;
beforeAll(async () => {
  ingress = await startIngress({ config: { relay: { networks: ['127.0.0.0/8'] } } });
});
afterAll(async () => {
  await ingress.drain();
});
beforeEach(() => {
  ingress.spool.mails.length = 0;
});

async function run(program: string, ...words: readonly string[]): Promise<void> {
  const { code, output } = await runClient(program, words);
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${output}`);
}

const address = (): string => `127.0.0.1:${ingress.port}`;

testWith('swaks')('swaks, one command at a time and pipelined', async () => {
  const words = [
    '--server',
    address(),
    '--from',
    'a@b.test',
    '--to',
    'c@d.test,e@d.test',
    '--body',
    'by swaks',
  ];
  await run('swaks', ...words);
  await run('swaks', ...words, '--pipeline');
  expect(ingress.spool.mails).toHaveLength(2);
  for (const mail of ingress.spool.mails) {
    expect(mail.envelope.recipients).toHaveLength(2);
    expect(contentOf(mail)).toContain('by swaks\r\n');
  }
});

testWith('python3')('smtplib', async () => {
  const program = `
import smtplib, sys
with smtplib.SMTP('127.0.0.1', int(sys.argv[1])) as server:
    server.sendmail('a@b.test', ['c@d.test', 'e@d.test'], 'Subject: x\\n\\nby smtplib\\n.dot\\n', ['BODY=8BITMIME'])
    try:
        server.sendmail('a@b.test', 'bad address@d.test', 'x')
        sys.exit('taken')
    except smtplib.SMTPRecipientsRefused:
        pass
    server.sendmail('', 'c@d.test', 'Subject: y\\n\\nsecond\\n')
`;
  await run('python3', '-c', program, String(ingress.port));
  const [first, second] = ingress.spool.mails;
  expect(first?.envelope).toMatchObject({ body: '8BITMIME', reversePath: 'a@b.test' });
  expect(contentOf(first)).toContain('by smtplib\r\n.dot\r\n');
  expect(second?.envelope.reversePath).toBe('');
});

test('nodemailer, with a large attachment', async () => {
  const transport = nodemailer.createTransport({ host: '127.0.0.1', port: ingress.port, ignoreTLS: true });
  const answer = await transport.sendMail({
    from: 'a@b.test',
    to: 'c@d.test',
    text: 'by nodemailer',
    attachments: [{ filename: 'x', content: Buffer.alloc(600_000, 'x') }],
  });
  expect(answer.response).toMatch(/^250 2\.0\.0 Ok: queued as /);
  const [mail] = ingress.spool.mails;
  expect(mail?.envelope.large?.octets).toBe(mail?.envelope.sizeInOctets);
  transport.close();
});

testWith('smtp-source')('smtp-source, sessions kept open and a connection a mail', async () => {
  await run(
    'smtp-source',
    '-d',
    '-s',
    '10',
    '-m',
    '100',
    '-l',
    '5000',
    '-f',
    'a@b.test',
    '-t',
    'c@d.test',
    address(),
  );
  await run(
    'smtp-source',
    '-s',
    '5',
    '-m',
    '50',
    '-l',
    '5000',
    '-f',
    'a@b.test',
    '-t',
    'c@d.test',
    address(),
  );
  expect(ingress.spool.mails).toHaveLength(150);
  expect(ingress.faults).toEqual([]);
});
