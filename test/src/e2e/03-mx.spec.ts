/** `mx`: exchangers by real DNS queries - MX by preference, implicit MX, null MX - and mail to them on port 25. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { startNameserver, startSink, type Nameserver, type Sink } from '@postrider/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPostrider, type RunningPostrider } from '../running-postrider.js';
import { mailsIn, until } from './maildirs.js';
import { openDialogue } from './dialogue.js';
import { inCi } from './peers.js';

/** Exchangers listen on port 25 (RFC 5321 §4.5.4.2); on loopback addresses of their own, that nobody else uses. */
const exchanger = '127.0.0.25';
const deadExchanger = '127.0.0.26';

async function mayListenOn25(): Promise<boolean> {
  const server = createServer().listen(25, exchanger);
  try {
    await once(server, 'listening');
    return true;
  } catch {
    process.stderr.write(`skipped here: needs the right to listen on ${exchanger}:25\n`);
    return false;
  } finally {
    server.close();
  }
}

describe.runIf(inCi || (await mayListenOn25()))('mx', () => {
  let postrider: RunningPostrider;
  let sink: Sink;
  let nameserver: Nameserver;
  beforeAll(async () => {
    sink = await startSink({ host: exchanger, port: 25, keepMails: true });
    nameserver = await startNameserver({
      'mx.test': {
        mx: [
          [20, 'mail.mx.test'],
          [10, 'dead.mx.test'],
        ],
      },
      'mail.mx.test': { a: [exchanger] },
      'dead.mx.test': { a: [deadExchanger] },
      'implicit.test': { a: [exchanger] },
      'null.test': { mx: [[0, '.']], a: [exchanger] },
    });
    postrider = await startPostrider([
      'hostname: postrider.example.org',
      'local: { deliver: "maildir:./mail" }',
      `dns: { servers: ["${nameserver.address}"] }`,
    ]);
  });
  afterAll(async () => {
    await postrider.remove();
    await nameserver.stop();
    await sink.stop();
  });

  async function send(to: string, from: string): Promise<void> {
    const session = await openDialogue(postrider.port);
    for (const command of ['EHLO client.example', `MAIL FROM:<${from}>`, `RCPT TO:<${to}>`, 'DATA'])
      await session.command(command);
    expect(await session.command(`Subject: for ${to}\r\nX-Postrider-Test: ${to}\r\n\r\nhello\r\n.`)).toMatch(
      /^250/,
    );
    session.close();
  }

  test.each(['you@mx.test', 'you@implicit.test'])('%s arrives', async (to) => {
    await send(to, 'me@localhost');
    await until(`the mail for ${to}`, () => sink.received.has(to));
  });

  test.each([
    ['you@null.test', 'null', '5.1.10'],
    ['you@nowhere.test', 'nowhere', '5.1.2'],
  ])('%s comes back', async (to, sender, status) => {
    await send(to, `${sender}@localhost`);
    const dsn = await until('a DSN', () => mailsIn(join(postrider.folder, `mail/${sender}/Maildir`))[0]);
    expect(dsn).toContain(`Final-Recipient: rfc822; ${to}`);
    expect(dsn).toContain(`Status: ${status}\r\n`);
    expect(sink.received.has(to)).toBe(false);
  });
});
