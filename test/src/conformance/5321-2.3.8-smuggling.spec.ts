/**
 * Only CRLF ends a line and only CRLF.CRLF ends mail data (RFC 5321 §2.3.8, §4.1.1.4). What others take for an end
 * must neither end the mail nor be taken for a command, wherever the packets are cut.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { greetedClient, type RawClient } from './raw-client.js';
import { startIngress, type RunningIngress } from './running-ingress.js';

let ingress: RunningIngress;
beforeAll(async () => {
  ingress = await startIngress();
});
afterAll(async () => {
  await ingress.drain();
});
beforeEach(() => {
  ingress.spool.mails.length = 0;
});

const smuggled = 'MAIL FROM:<x@x.test>\r\nRCPT TO:<y@localhost>\r\nDATA\r\nsmuggled';

/** False ends: each is followed by commands, and those by the true end. */
const falseEnds = [
  '\n.\n',
  '\n.\r\n',
  '\r\n.\n',
  '\r.\r',
  '\r.\r\n',
  '\r\n.\r',
  '\r.\n',
  '\n.\r',
  '\n\n.\n\n',
  '\r\n\r.\r\n',
  '\r\n\n.\r\n',
  '\r\n.\r\r\n',
  '\r\n.\n\r\n',
  '\r\n\0.\r\n',
  '\r\n.\0\r\n',
  '\r\r\n.\n',
  '\r\n.\r\0\n',
];

async function openData(): Promise<RawClient> {
  const client = await greetedClient(ingress.port);
  expect(await client.codes('MAIL FROM:<>', 'RCPT TO:<a@localhost>', 'DATA')).toEqual([250, 250, 354]);
  return client;
}

describe.each(falseEnds.map((end) => ({ end, shown: JSON.stringify(end) })))('$shown', ({ end }) => {
  test('ends nothing, at each cut', async () => {
    const data = `text${end}${smuggled}\r\n.\r\n`;
    // Cuts within the false end and around it; the rest is text like any other.
    for (let at = 0; at <= end.length + 8; at++) {
      const client = await openData();
      await client.writeSplit(data, at);
      const reply = await client.reply();
      expect([reply.code, reply.lines[0]?.slice(0, 5)]).toEqual([554, '5.6.0']);
      // The next reply is that of the next command: nothing within was one.
      expect((await client.command('NOOP')).code).toBe(250);
      expect(client.unread).toBe('');
      client.close();
    }
    expect(ingress.spool.mails).toEqual([]);
  });
});

test('octet by octet it is the same', async () => {
  for (const end of falseEnds) {
    const client = await openData();
    const data = `text${end}${smuggled}\r\n.\r\n`;
    for (let at = 0; at < data.length; at += 2) await client.writeSplit(data.slice(at, at + 2), 1);
    expect((await client.reply()).code).toBe(554);
    client.close();
  }
  expect(ingress.spool.mails).toEqual([]);
});

test('the true end works at each cut', async () => {
  const data = 'text\r\n..stuffed\r\n.\r\n';
  for (let at = 0; at <= data.length; at++) {
    const client = await openData();
    await client.writeSplit(data, at);
    expect((await client.reply()).code).toBe(250);
    client.close();
  }
  expect(ingress.spool.mails).toHaveLength(data.length + 1);
  for (const { content } of ingress.spool.mails)
    expect(Buffer.from(content!).toString('latin1')).toMatch(/\r\ntext\r\n\.stuffed\r\n$/);
});

describe.each(
  ['NOOP\nQUIT\r\n', 'NOOP\rQUIT\r\n', 'NOOP\0QUIT\r\n', '\nQUIT\r\n', 'NOOP\r\r\n', 'NOOP\n\r\n'].map(
    (line) => ({ line, shown: JSON.stringify(line) }),
  ),
)('command $shown', ({ line }) => {
  test('is refused once and as a whole, at each cut', async () => {
    for (let at = 0; at <= line.length; at++) {
      const client = await greetedClient(ingress.port);
      await client.writeSplit(line, at);
      const reply = await client.reply();
      expect([reply.code, reply.lines[0]?.slice(0, 5)]).toEqual([500, '5.5.2']);
      expect((await client.command('HELP NOOP')).code).toBe(214);
      client.close();
    }
  });
});

test.each(['EHLO client.example', 'HELO client.example', 'NOOP', 'VRFY x'])(
  'what is sent ahead of the reply to %s is refused, and the session ends',
  async (command) => {
    const client = await greetedClient(ingress.port);
    client.write(`${command}\r\nMAIL FROM:<>\r\nRCPT TO:<a@localhost>\r\nDATA\r\n`);
    expect(await client.rest()).toMatch(/^554 5\.5\.0 [^\r\n]*\r\n$/);
    client.close();
  },
);

test('mail data sent ahead of 354 is neither taken nor obeyed', async () => {
  const client = await greetedClient(ingress.port);
  client.write('MAIL FROM:<>\r\nRCPT TO:<a@localhost>\r\nDATA\r\nMAIL FROM:<b@x.test>\r\n.\r\nNOOP\r\n');
  expect(await client.rest()).toMatch(/^250 [^\r\n]*\r\n250 [^\r\n]*\r\n554 5\.5\.0 [^\r\n]*\r\n$/);
  client.close();
  expect(ingress.spool.mails).toEqual([]);
});

test('an HTTP request is no mail', async () => {
  const client = await greetedClient(ingress.port, '');
  client.write(
    'POST / HTTP/1.1\r\nHost: x\r\n\r\nEHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<a@localhost>\r\nDATA\r\nx\r\n.\r\n',
  );
  expect(await client.rest()).toMatch(/554 5\.5\.0 [^\r\n]*\r\n$/);
  client.close();
});
