/** What stands on top of a delivered mail, and what the next hop hears of who submitted it. */
import { join } from 'node:path';
import { startSink, type Sink } from '@postrider/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startRecordingHop, type RecordingHop } from '../recording-hop.js';
import { freePort, startPostrider, type RunningPostrider } from '../running-postrider.js';
import { addUser } from './add-user.js';
import { openDialogue } from './dialogue.js';
import { mailsIn, until } from './maildirs.js';

let postrider: RunningPostrider;
let lmtp: Sink;
let relay: Sink;
let hop: RecordingHop;
let withAuth: number;

beforeAll(async () => {
  lmtp = await startSink({ keepMails: true, protocol: 'lmtp' });
  relay = await startSink({ keepMails: true });
  const hopPort = await freePort();
  withAuth = await freePort();
  hop = await startRecordingHop(hopPort, ['AUTH PLAIN LOGIN']);
  postrider = await startPostrider(
    [
      'hostname: postrider.example.org',
      'local: { deliver: "maildir:./mail" }',
      'routes:',
      `  lmtp.test: "lmtp://127.0.0.1:${lmtp.port}"`,
      `  relay.test: "smtp://127.0.0.1:${relay.port}"`,
      `  hop.test: "smtp://127.0.0.1:${hopPort}"`,
    ],
    {
      listeners: [
        `c: { listen: ["127.0.0.1:${withAuth}"], tls: { mode: off }, auth: { mode: offered, without_tls: true } }`,
      ],
    },
  );
  const senders = [1, 2, 4, 5].map((n) => `${n}@ours.test`).join(',');
  await addUser(postrider, 'ann@ours.test', 'secret words', '--senders', senders);
});
afterAll(async () => {
  await postrider.remove();
  await Promise.all([lmtp.stop(), relay.stop(), hop.stop()]);
});

interface Sent {
  /** Argument of MAIL FROM. */
  readonly from: string;
  readonly to: readonly string[];
  readonly text: string;
  /** Commands ahead of MAIL. */
  readonly before?: readonly string[];
}

async function send(port: number, { from, to, text, before = [] }: Sent): Promise<void> {
  const session = await openDialogue(port);
  const envelope = [...before, `MAIL FROM:${from}`, ...to.map((one) => `RCPT TO:<${one}>`), 'DATA'];
  for (const command of ['EHLO client.example', ...envelope, `${text}\r\n.`])
    expect(await session.command(command)).toMatch(/^(?:235|250|354)/);
  session.close();
}

test.each([
  ['small', 10],
  ['large', 400_000],
])(
  'Return-Path of others: gone where it is delivered, untouched where it is relayed; %s',
  async (size, octets) => {
    const fields = `Return-Path: <forged@else.test>\r\nSubject: ${size}\r\nreturn-path:\r\n <also@else.test>`;
    const text = `Return-Path: in the text\r\n${'0123456789\r\n'.repeat(octets / 10)}`;
    const to = ['ann@localhost', 'bob@lmtp.test', 'you@relay.test'];
    await send(postrider.port, { from: '<me@example.org>', to, text: `${fields}\r\n\r\n${text}end` });
    const maildir = join(postrider.folder, 'mail/ann/Maildir');
    const here = await until('the mail in the Maildir', () =>
      mailsIn(maildir).find((mail) => mail.includes(`Subject: ${size}\r\n`)),
    );
    const sunk = (sink: Sink): Promise<string> =>
      until('the mail at the next hop', () =>
        sink.mails.map(({ content }) => content).find((mail) => mail.includes(`Subject: ${size}\r\n`)),
      );
    const [header = '', ...body] = here.split('\r\n\r\n');
    expect(header.match(/^return-path:.*/gim)).toEqual(['Return-Path: <me@example.org>']);
    expect(header).toContain(`\r\nSubject: ${size}`);
    expect(header).not.toContain('else.test');
    expect(body.join('\r\n\r\n')).toBe(`${text}end\r\n`);
    const [behindLmtp = '', ...same] = (await sunk(lmtp)).split('\r\n\r\n');
    expect(behindLmtp).not.toMatch(/^return-path/im);
    expect(same.join('\r\n\r\n')).toBe(`${text}end\r\n`);
    expect(await sunk(relay)).toContain(`${fields}\r\n\r\n${text}end\r\n`);
  },
);

test('AUTH= goes on to who offers AUTH, from an identity whose mailbox it is (RFC 4954 §5)', async () => {
  const auth = `AUTH PLAIN ${Buffer.from('\0ann@ours.test\0secret words').toString('base64')}`;
  const submitted = (from: string, parameter: string, before: readonly string[]) =>
    send(withAuth, { from: `<${from}>${parameter}`, to: ['you@hop.test'], before, text: 'Subject: x\r\n' });
  await submitted('1@ours.test', ' AUTH=ann+40ours.test', [auth]);
  await submitted('2@ours.test', ' AUTH=boss+40ours.test', [auth]);
  await submitted('3@ours.test', ' AUTH=ann+40ours.test', []);
  await submitted('4@ours.test', ' AUTH=<>', [auth]);
  await submitted('5@ours.test', '', [auth]);
  const mails = await until('five mails at the hop', () => {
    const heard = hop.heard.filter((line) => line.startsWith('MAIL'));
    return heard.length === 5 && heard;
  });
  expect([...mails].sort()).toEqual([
    'MAIL FROM:<1@ours.test> AUTH=ann@ours.test',
    ...[2, 3, 4, 5].map((n) => `MAIL FROM:<${n}@ours.test>`),
  ]);
});
