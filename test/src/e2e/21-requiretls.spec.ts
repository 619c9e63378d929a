/** REQUIRETLS mail goes to a hop that proves who it is and passes it on; from others it comes back (RFC 8689). */
import { join } from 'node:path';
import { selfSigned, startSink, type Sink } from '@postrider/testing';
import { afterAll, beforeAll, expect } from 'vitest';
import { freePort, startPostrider, type RunningPostrider } from '../running-postrider.js';
import { mailsIn, until } from './maildirs.js';
import { runClient, testWith } from './peers.js';

let first: RunningPostrider;
let second: RunningPostrider;
let sink: Sink;
const { cert, key } = selfSigned(['localhost']);

beforeAll(async () => {
  const port = await freePort();
  sink = await startSink({ startTls: true, keepMails: true });
  second = await startPostrider(
    [
      'hostname: second.example.org',
      'local: { domains: [safe.test], users: listed, list: [ann], deliver: "maildir:./mail" }',
    ],
    {
      listeners: [
        `safe: { role: mx, listen: ["127.0.0.1:${port}"], tls: { certificate_file: ./cert.pem, key_file: ./key.pem } }`,
      ],
      files: { 'cert.pem': cert, 'key.pem': key },
    },
  );
  first = await startPostrider(
    [
      'hostname: first.example.org',
      'local: { domains: [here.example], users: listed, list: [me], deliver: "maildir:./mail" }',
      'outbound: { ca_file: ./ca.pem, families: [4] }',
      `routes: { safe.test: "smtp://localhost:${port}", other.test: "smtp://localhost:${sink.port}" }`,
    ],
    { files: { 'ca.pem': cert } },
  );
});
afterAll(async () => {
  await first.remove();
  await second.remove();
  await sink.stop();
});

const send = async (to: string): Promise<void> => {
  const program = `
import smtplib, ssl, sys
with smtplib.SMTP('127.0.0.1', int(sys.argv[1])) as server:
    server.starttls(context=ssl._create_unverified_context())
    server.ehlo('client.example')
    server.sendmail('me@here.example', [sys.argv[2]], 'Subject: secret\\r\\n\\r\\nthe body\\r\\n', mail_options=['REQUIRETLS', 'RET=FULL'])
print('sent')
`;
  const result = await runClient('python3', ['-c', program, String(first.port), to]);
  expect(result).toEqual({ code: 0, output: 'sent\n' });
};

testWith('python3')('to a hop that is proven and offers it', async () => {
  await send('ann@safe.test');
  const mail = await until('the mail', () => mailsIn(join(second.folder, 'mail/ann/Maildir'))[0]);
  expect(mail).toMatch(/by second\.example\.org with ESMTPS/);
  const { stdout } = await first.command('events', '--json', '--since', '1h');
  expect(stdout).not.toContain('"failed"');
});

testWith('python3')(
  'a hop that nobody vouches for gets nothing, and only the header comes back',
  async () => {
    await send('you@other.test');
    const dsn = await until('the DSN', () => mailsIn(join(first.folder, 'mail/me/Maildir'))[0]);
    expect(dsn).toMatch(/Action: failed\r?\nStatus: 5\.7\.10/);
    expect(dsn).toContain('Subject: secret');
    expect(dsn).not.toContain('the body');
    expect(sink.count()).toBe(0);
  },
);
