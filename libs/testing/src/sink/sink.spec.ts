import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createTransport } from 'nodemailer';
import { afterEach, expect, test } from 'vitest';
import { waitFor } from '../wait-for.js';
import { startSink, type Sink, type SinkOptions } from './sink.js';

let sink: Sink | undefined;
afterEach(async () => sink?.stop());

async function sinkWith(options: SinkOptions = {}): Promise<Sink> {
  sink = await startSink({ keepMails: true, ...options });
  return sink;
}

/** Sends all at once, and gives what came back until the end of the connection. */
function dialogue(port: number, lines: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () =>
      socket.write(lines.map((line) => `${line}\r\n`).join('')),
    );
    socket.setEncoding('latin1');
    socket.on('data', (part: string) => (text += part));
    socket.on('error', () => (text += 'RST'));
    socket.on('close', () => resolve(text.replaceAll('\r\n', '\n')));
  });
}

/** First words of the replies. */
const codes = (replies: string): string =>
  replies
    .split('\n')
    .filter((line) => /^\d{3} /.test(line) || line === 'RST')
    .map((line) => line.slice(0, 3))
    .join(' ');

const mail = (marker: string, ...recipients: readonly string[]): string[] => [
  'MAIL FROM:<from@load.test>',
  ...recipients.map((recipient) => `RCPT TO:<${recipient}>`),
  'DATA',
  `X-Postrider-Test: ${marker}`,
  '',
  '..dot',
  '.',
];

test('takes pipelined mails and counts markers', async () => {
  const running = await sinkWith();
  const { port, received, mails } = running;
  const lines = [
    'EHLO load.test',
    ...mail('1', 'a@dest.test'),
    ...mail('1', 'b@dest.test'),
    ...mail('2', 'c@dest.test'),
  ];
  const replies = await dialogue(port, [...lines, 'QUIT']);
  expect(codes(replies)).toBe('220 250 250 250 354 250 250 250 354 250 250 250 354 250 221');
  expect(replies).toContain('250-PIPELINING');
  expect([...received]).toEqual([
    ['1', 2],
    ['2', 1],
  ]);
  expect([...running.duplicates()]).toEqual([['1', 2]]);
  expect(mails[2]).toMatchObject({
    marker: '2',
    helo: 'load.test',
    reversePath: 'from@load.test',
    recipients: ['c@dest.test'],
    tls: false,
    connection: 1,
    ofConnection: 3,
    content: 'X-Postrider-Test: 2\r\n\r\n.dot\r\n',
  });
});

test.each<[string, SinkOptions, string]>([
  [
    '5xx at the dot',
    { rules: { 'a@dest.test': [{ at: 'dot', reply: '554 5.6.0 No' }] } },
    '220 250 250 250 354 554 250 250 354 554 221',
  ],
  [
    'a delayed reply',
    { rules: { '*': [{ at: 'mail', delay: 20 }] } },
    '220 250 250 250 354 250 250 250 354 250 221',
  ],
  ['refuses in the greeting', { rules: { '*': [{ at: 'connect', reply: '554 5.7.1 No' }] } }, '554'],
  [
    '421 ends the connection',
    { rules: { '*': [{ at: 'data', reply: '421 4.3.2 Bye' }] } },
    '220 250 250 250 421',
  ],
  ['a mail for each connection', { mailsPerConnection: 1 }, '220 250 250 250 354 250 421'],
])('%s', async (_, options, expected) => {
  const { port } = await sinkWith(options);
  const lines = ['EHLO load.test', ...mail('1', 'a@dest.test'), ...mail('2', 'a@dest.test'), 'QUIT'];
  expect(codes(await dialogue(port, lines))).toBe(expected);
});

test('a rule for each recipient, a number of times', async () => {
  const { port } = await sinkWith({
    rules: {
      'grey.test': [{ at: 'rcpt', reply: '451 4.7.1 Later', times: 1 }],
      'gone@grey.test': [{ at: 'rcpt', reply: '550 5.1.1 No' }],
    },
  });
  const recipients = [
    'a@grey.test',
    'b@grey.test',
    'A@Grey.test',
    'gone@grey.test',
    'b@grey.test',
    'c@dest.test',
  ];
  const lines = ['EHLO load.test', 'MAIL FROM:<>', ...recipients.map((to) => `RCPT TO:<${to}>`), 'QUIT'];
  expect(codes(await dialogue(port, lines))).toBe('220 250 250 451 451 250 550 250 250 221');
});

test.each([
  ['mail', 0],
  ['content', 0],
  ['dot', 0],
  ['taken', 1],
] as const)('cuts the connection at %s', async (at, count) => {
  const running = await sinkWith({ rules: { '*': [{ at, cut: true }] } });
  await dialogue(running.port, ['EHLO load.test', ...mail('1', 'a@dest.test')]);
  expect(running.count()).toBe(count);
});

test('without extensions it knows only HELO, and notices what was not offered', async () => {
  const running = await sinkWith({ extensions: [] });
  const replies = await dialogue(running.port, [
    'EHLO load.test',
    'HELO load.test',
    'MAIL FROM:<> SIZE=5',
    'QUIT',
  ]);
  expect(codes(replies)).toBe('220 500 250 555 221');
  expect(running.report().violations).toContain('pipelining that was not offered: EHLO load.test');
  expect(running.report().violations).toContain('555 5.5.4 SIZE=5 was not offered: MAIL FROM:<> SIZE=5');
});

test('refuses by size before and after', async () => {
  const { port } = await sinkWith({ sizeLimit: 20 });
  const lines = ['EHLO load.test', 'MAIL FROM:<> SIZE=21', ...mail('1', 'a@dest.test'), 'QUIT'];
  expect(codes(await dialogue(port, lines))).toBe('220 250 552 250 250 354 552 221');
});

test('LMTP answers for each recipient', async () => {
  const running = await sinkWith({
    protocol: 'lmtp',
    rules: { 'a@dest.test': [{ at: 'dot', delay: 10, reply: '452 4.2.2 Full' }] },
  });
  const lines = ['EHLO load.test', 'LHLO load.test', ...mail('1', 'a@dest.test', 'b@dest.test'), 'QUIT'];
  expect(codes(await dialogue(running.port, lines))).toBe('220 500 250 250 250 250 354 452 250 221');
  expect(running.mails.map(({ recipients }) => recipients)).toEqual([['b@dest.test']]);
});

test('STARTTLS with a certificate of its own', async () => {
  const running = await sinkWith({ startTls: true });
  const client = createTransport({
    host: '127.0.0.1',
    port: running.port,
    tls: { rejectUnauthorized: false },
  });
  await client.sendMail({
    from: 'a@load.test',
    to: 'b@dest.test',
    text: 'x',
    headers: { 'X-Postrider-Test': 't' },
  });
  client.close();
  expect(running.mails).toMatchObject([{ marker: 't', tls: true }]);
});

test('behaves otherwise when told, and stops', async () => {
  const running = await sinkWith({ rules: { '*': [{ at: 'rcpt', reply: '550 5.1.1 No' }] } });
  const session = (): Promise<string> =>
    dialogue(running.port, ['EHLO load.test', 'MAIL FROM:<>', 'RCPT TO:<a@dest.test>', 'QUIT']);
  expect(codes(await session())).toBe('220 250 250 550 221');
  running.behave({});
  expect(codes(await session())).toBe('220 250 250 250 221');
  await waitFor(() => running.connections().open === 0, 2000, 'closed connections');
  await running.stop();
  sink = undefined;
  expect(await session()).toBe('RST');
});

test('a connection that its client has closed does not count beside the next', async () => {
  const counts: number[] = [];
  const running = await sinkWith({ connected: (open) => counts.push(open) });
  let client = await greeted(running.port);
  for (let n = 0; n < 20; n++) {
    client.destroy();
    client = await greeted(running.port);
  }
  const beside = await greeted(running.port);
  expect(counts).toEqual([...Array<number>(21).fill(1), 2]);
  client.destroy();
  beside.destroy();
});

async function greeted(port: number): Promise<Socket> {
  const client = connect(port, '127.0.0.1');
  await once(client, 'data');
  return client;
}
