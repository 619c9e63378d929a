/** BODY=BINARYMIME (RFC 3030 §3): any octets below the header section, by BDAT and by nothing else. */
import { expect, test } from 'vitest';
import { greetedClient } from './raw-client.js';
import { contentOf, start } from './transactions.js';

const envelope = ['MAIL FROM:<a@b.test> BODY=BINARYMIME', 'RCPT TO:<c@d.test>'];

test('what is in the body comes out as it went in', async () => {
  const ingress = await start();
  const client = await greetedClient(ingress.port);
  expect((await client.command('EHLO client.example')).lines).toContain('BINARYMIME');
  const content = 'Subject: binary\r\n\r\n\0\r\n.\r\n.\r\r\nQUIT\n\xff no end';
  for (const cut of [1, 20, content.length - 1]) {
    expect(await client.codes(...envelope)).toEqual([250, 250]);
    client.write(`BDAT ${cut}\r\n${content.slice(0, cut)}`);
    expect((await client.reply()).code).toBe(250);
    client.write(`BDAT ${content.length - cut} LAST\r\n${content.slice(cut)}NOOP\r\n`);
    expect([(await client.reply()).code, (await client.reply()).code]).toEqual([250, 250]);
    const mail = ingress.spool.mails.at(-1);
    expect(mail?.envelope.body).toBe('BINARYMIME');
    expect(contentOf(mail).endsWith(`\r\n${content}`)).toBe(true);
  }
  client.close();
});

test('not by DATA', async () => {
  const ingress = await start();
  const client = await greetedClient(ingress.port);
  expect(await client.codes(...envelope, 'DATA')).toEqual([250, 250, 503]);
  client.write('BDAT 6 LAST\r\na: b\r\n');
  expect((await client.reply()).code).toBe(250);
  client.close();
});

test.each(['a: b\nc: d\r\n\r\n', 'a\0: b\r\n\r\n', 'a: b\r\rc\r\n\r\n'])(
  'the header section %j is lines all the same',
  async (content) => {
    const ingress = await start();
    const client = await greetedClient(ingress.port);
    await client.codes(...envelope);
    client.write(`BDAT ${content.length} LAST\r\n${content}`);
    expect((await client.reply()).code).toBe(554);
    expect(ingress.spool.mails).toEqual([]);
    client.close();
  },
);

test('without the parameter a body is lines', async () => {
  const ingress = await start();
  const client = await greetedClient(ingress.port);
  await client.codes('MAIL FROM:<a@b.test> BODY=8BITMIME', 'RCPT TO:<c@d.test>');
  client.write('BDAT 7 LAST\r\n\r\na\nb\r\n');
  expect((await client.reply()).code).toBe(554);
  client.close();
});

test('LMTP has no BDAT here, and so no BINARYMIME', async () => {
  const ingress = await start({
    config: { listeners: { l: { role: 'lmtp', listen: ['127.0.0.1:0'], tls: { mode: 'off' } } } },
  });
  const client = await greetedClient(ingress.port, '');
  expect((await client.command('LHLO client.example')).lines).not.toContain('BINARYMIME');
  expect(await client.codes('MAIL FROM:<a@b.test> BODY=BINARYMIME')).toEqual([501]);
  client.close();
});
