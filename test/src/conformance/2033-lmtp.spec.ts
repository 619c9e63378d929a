/** LMTP (RFC 2033): LHLO, and one reply a recipient after the data. */
import { expect, test } from 'vitest';
import { runClient, testWith } from '../e2e/peers.js';
import { greetedClient } from './raw-client.js';
import { start } from './transactions.js';

const lmtp = (options: Parameters<typeof start>[0] = {}) =>
  start({
    ...options,
    config: { listeners: { lmtp: { role: 'lmtp', listen: ['127.0.0.1:0'], tls: { mode: 'off' } } } },
  });

test('one reply a recipient that was taken, in order, good or bad', async () => {
  const ingress = await lmtp({
    resolve: (to) => ({ result: to.startsWith('no') ? 'unknown' : 'local' }),
  });
  const client = await greetedClient(ingress.port, '');
  expect((await client.command('EHLO client.example')).code).toBe(500);
  expect((await client.command('HELO client.example')).code).toBe(500);
  expect((await client.command('LHLO client.example')).lines).toEqual(
    expect.arrayContaining(['PIPELINING', 'ENHANCEDSTATUSCODES', '8BITMIME']),
  );
  const envelope = ['MAIL FROM:<a@b.test>', 'RCPT TO:<no@localhost>'];
  expect(await client.codes(...envelope, 'DATA')).toEqual([250, 550, 503]);
  expect(await client.codes('RCPT TO:<c@localhost>', 'RCPT TO:<d@localhost>', 'DATA')).toEqual([
    250, 250, 354,
  ]);
  client.write('text\r\n.\r\n');
  for (let n = 0; n < 2; n++) expect((await client.reply()).code).toBe(250);
  ingress.spool.commit = () => ({ result: 'full' });
  await client.codes('MAIL FROM:<a@b.test>', 'RCPT TO:<c@localhost>', 'RCPT TO:<d@localhost>', 'DATA');
  client.write('text\r\n.\r\n');
  for (let n = 0; n < 2; n++) expect((await client.reply()).code).toBe(452);
  expect((await client.command('QUIT')).code).toBe(221);
  expect(await client.rest()).toBe('');
  const [mail] = ingress.spool.mails;
  expect(mail?.envelope.client.protocol).toBe('LMTP');
  expect(mail?.envelope.recipients).toHaveLength(2);
});

/** It reads one reply after the data, so that it is given one recipient. */
testWith('python3')('Python’s smtplib.LMTP', async () => {
  const ingress = await lmtp();
  const program = `
import smtplib, sys
with smtplib.LMTP('127.0.0.1', int(sys.argv[1])) as server:
    refused = server.sendmail('a@b.test', ['c@localhost'], 'Subject: x\\n\\nby LMTP\\n')
    sys.exit(len(refused))
`;
  const { code, output } = await runClient('python3', ['-c', program, String(ingress.port)]);
  expect(code, output).toBe(0);
  expect(ingress.spool.mails[0]?.envelope.recipients).toHaveLength(1);
});
