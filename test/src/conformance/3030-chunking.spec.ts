/** BDAT (RFC 3030 §2): chunks of known size, whose octets are never commands. */
import { expect, test } from 'vitest';
import { runClient, testWith } from '../e2e/peers.js';
import { greetedClient } from './raw-client.js';
import { contentOf, start, until } from './transactions.js';

const envelope = ['MAIL FROM:<a@b.test>', 'RCPT TO:<c@d.test>'];

test('a mail in chunks, dots and all', async () => {
  const ingress = await start();
  const client = await greetedClient(ingress.port);
  expect((await client.command('EHLO client.example')).lines).toContain('CHUNKING');
  expect(await client.codes(...envelope)).toEqual([250, 250]);
  client.write('BDAT 9\r\n.a\r\n..b\r\n');
  expect((await client.reply()).lines).toEqual(['2.0.0 9 octets received']);
  client.write('bdat 5\r\n.\r\nQUBDAT 4 last\r\nIT\r\nNOOP\r\n');
  expect((await client.reply()).code).toBe(250);
  expect((await client.reply()).lines[0]).toMatch(/^2\.0\.0 Ok: queued as /);
  expect((await client.reply()).code).toBe(250);
  expect(contentOf(ingress.spool.mails[0])).toMatch(/;\r\n\t.*\r\n\.a\r\n\.\.b\r\n\.\r\nQUIT\r\n$/);
  client.close();
});

test('in one packet, or octet by octet', async () => {
  const ingress = await start();
  const text = `${envelope.join('\r\n')}\r\nBDAT 6\r\nabcd\r\nBDAT 0 LAST\r\n`;
  const client = await greetedClient(ingress.port);
  client.write(text);
  for (let n = 0; n < 4; n++) expect((await client.reply()).code).toBe(250);
  for (const octet of text) client.write(octet);
  for (let n = 0; n < 4; n++) expect((await client.reply()).code).toBe(250);
  expect(ingress.spool.mails).toHaveLength(2);
  client.close();
});

test('what is refused is swallowed first, whatever is in it', async () => {
  const ingress = await start();
  const client = await greetedClient(ingress.port, '');
  client.write('BDAT 16\r\nEHLO x\r\nQUIT\r\nxxNOOP\r\n');
  expect([(await client.reply()).code, (await client.reply()).code]).toEqual([503, 250]);
  await client.command('EHLO client.example');
  client.write('BDAT 6 LAST\r\nQUIT\r\nMAIL FROM:<a@b.test>\r\nBDAT 6\r\nRSET\r\n');
  expect([(await client.reply()).code, (await client.reply()).code, (await client.reply()).code]).toEqual([
    503, 250, 554,
  ]);
  // The transaction is still there.
  expect((await client.command('RCPT TO:<c@d.test>')).code).toBe(250);
  client.close();
});

test('a size that can not be read ends the session: nothing behind it is a command', async () => {
  const ingress = await start();
  for (const bad of ['BDAT', 'BDAT x', 'BDAT -1', 'BDAT 1 FIRST', 'BDAT 1.5', `BDAT ${'9'.repeat(21)}`]) {
    const client = await greetedClient(ingress.port);
    client.write(`${bad}\r\nNOOP\r\n`);
    expect((await client.reply()).code).toBe(501);
    expect(await client.rest()).toBe('');
  }
});

test('not with DATA, nor with more recipients, in one transaction', async () => {
  const ingress = await start();
  const client = await greetedClient(ingress.port);
  await client.codes(...envelope);
  client.write('BDAT 3\r\na\r\n');
  await client.reply();
  expect(await client.codes('DATA', 'RCPT TO:<e@d.test>', 'MAIL FROM:<x@y.test>', 'RSET')).toEqual([
    503, 503, 503, 250,
  ]);
  client.write('BDAT 3 LAST\r\na\r\n');
  expect((await client.reply()).code).toBe(503);
  expect(ingress.spool.mails).toEqual([]);
  client.close();
});

test.each([
  ['a bare LF', 'a\nb\r\n', 554],
  ['a bare CR', 'a\rb\r\n', 554],
  ['NUL', 'a\0b\r\n', 554],
  ['a dot between bare LFs', 'a\n.\nb\r\n', 554],
  ['a dot and half a line end', 'a\r\n.\nb\r\n', 554],
  ['too much', 'x'.repeat(2000), 552],
])('%s is refused at its chunk, and the transaction is over', async (_, octets, code) => {
  const ingress = await start({ config: { limits: { message_size: '1KiB' } } });
  const client = await greetedClient(ingress.port);
  await client.codes(...envelope);
  client.write(`BDAT ${octets.length}\r\n${octets}BDAT 3 LAST\r\na\r\n`);
  expect((await client.reply()).code).toBe(code);
  expect((await client.reply()).code).toBe(503);
  expect(await client.codes(...envelope)).toEqual([250, 250]);
  expect(ingress.spool.mails).toEqual([]);
  expect(ingress.figures()['contentHeldInOctets']).toBe(0);
  client.close();
});

test('a large mail goes to the spool in pieces; one that is dropped is purged', async () => {
  const ingress = await start();
  const client = await greetedClient(ingress.port);
  const chunk = `${'x'.repeat(998)}\r\n`.repeat(400);
  await client.codes(...envelope);
  for (const last of ['', ' LAST']) {
    client.write(`BDAT ${chunk.length}${last}\r\n${chunk}`);
    expect((await client.reply()).code).toBe(250);
  }
  const [mail] = ingress.spool.mails;
  expect(mail?.envelope.large?.octets).toBe(mail?.envelope.sizeInOctets);
  for (const drop of ['RSET', 'EHLO client.example', 'QUIT']) {
    await client.codes(...envelope);
    client.write(`BDAT ${chunk.length}\r\n${chunk}`);
    expect((await client.reply()).code).toBe(250);
    expect(ingress.spool.large.size).toBe(2);
    await client.command(drop);
    await until(() => ingress.spool.large.size === 1);
  }
  expect(ingress.figures()['contentHeldInOctets']).toBe(0);
});

test('a shutdown waits for a mail that has begun', async () => {
  const ingress = await start();
  const client = await greetedClient(ingress.port);
  await client.codes(...envelope);
  client.write('BDAT 3\r\na\r\n');
  await client.reply();
  const drained = ingress.drain();
  client.write('BDAT 3 LAST\r\nb\r\n');
  expect((await client.reply()).code).toBe(250);
  expect((await client.reply()).code).toBe(421);
  await drained;
});

testWith('python3')('Python speaks it as Postfix and Exchange do', async () => {
  const ingress = await start();
  const program = `
import smtplib, sys
content = b'Subject: x\\r\\n\\r\\nby BDAT\\r\\n.\\r\\n'
with smtplib.SMTP('127.0.0.1', int(sys.argv[1])) as server:
    server.ehlo()
    assert server.has_extn('chunking')
    server.mail('a@b.test'); server.rcpt('c@d.test')
    server.send(b'BDAT %d LAST\\r\\n' % len(content) + content)
    code, text = server.getreply()
    assert code == 250, text
`;
  const { code, output } = await runClient('python3', ['-c', program, String(ingress.port)]);
  expect(code, output).toBe(0);
  expect(contentOf(ingress.spool.mails[0])).toContain('by BDAT\r\n.\r\n');
});
