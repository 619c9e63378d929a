/** A binary mail goes by BDAT from one Postrider to another as it came, and back from a hop that can't (RFC 3030 §3). */
import { join } from 'node:path';
import { startSink, type Sink } from '@postrider/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPostrider, type RunningPostrider } from '../running-postrider.js';
import { openDialogue } from './dialogue.js';
import { mailsIn, until } from './maildirs.js';

let first: RunningPostrider;
let second: RunningPostrider;
let sink: Sink;

beforeAll(async () => {
  sink = await startSink({ keepMails: true });
  second = await startPostrider([
    'hostname: second.example.org',
    'local: { domains: [binary.test], users: listed, list: [ann], deliver: "maildir:./mail" }',
  ]);
  first = await startPostrider([
    'hostname: first.example.org',
    'local: { domains: [here.example], users: listed, list: [me], deliver: "maildir:./mail" }',
    `routes: { binary.test: "smtp://127.0.0.1:${second.port}", lines.test: "smtp://127.0.0.1:${sink.port}" }`,
  ]);
});
afterAll(async () => {
  await first.remove();
  await second.remove();
  await sink.stop();
});

async function send(to: string, body: Buffer): Promise<void> {
  const session = await openDialogue(first.port);
  const envelope = ['EHLO client.example', 'MAIL FROM:<me@here.example> BODY=BINARYMIME', `RCPT TO:<${to}>`];
  for (const command of envelope) expect(await session.command(command)).toMatch(/^250/);
  const content = Buffer.concat([Buffer.from('Subject: binary\r\n\r\n'), body]);
  await session.write(`BDAT ${content.length} LAST\r\n`);
  await session.write(content);
  expect(await session.reply()).toMatch(/^250 2\.0\.0 Ok/);
  session.close();
}

const octets = (length: number): Buffer => Buffer.from(Array.from({ length }, (_, at) => (at * 7) % 256));

test.each([
  ['small', 3_000],
  ['large, in pieces', 700_000],
])('%s', async (_, length) => {
  const body = octets(length);
  await send('ann@binary.test', body);
  const whole = body.toString('latin1');
  await until('the mail', () =>
    mailsIn(join(second.folder, 'mail/ann/Maildir')).find((mail) => mail.endsWith(whole)),
  );
});

test('a hop for lines only gets nothing, and the sender hears of it', async () => {
  await send('you@lines.test', octets(1_000));
  const dsn = await until('the DSN', () => mailsIn(join(first.folder, 'mail/me/Maildir'))[0]);
  expect(dsn).toMatch(/Action: failed\r?\nStatus: 5\.6\.3/);
  expect(sink.count()).toBe(0);
});
