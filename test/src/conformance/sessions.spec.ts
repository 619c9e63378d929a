/** What a session does besides the dialogues: the mail as it is stored, refusals, limits, times. */
import { setTimeout as pause } from 'node:timers/promises';
import { shard } from '@postrider/protocol';
import type { CommitResult } from '@postrider/spool';
import { describe, expect, test } from 'vitest';
import { greetedClient, RawClient } from './raw-client.js';
import { contentOf, send, start, transaction, until } from './transactions.js';

describe('an accepted mail', () => {
  test('has its envelope, its trace field and its events', async () => {
    const ingress = await start();
    const hints: number[] = [];
    await ingress.bus.host(
      shard,
      () =>
        ({ handlers: { hint: ({ sequence }: { sequence: number }) => void hints.push(sequence) } }) as never,
      { key: '0' },
    );
    const client = await greetedClient(ingress.port, 'EHLO [127.0.0.1]');
    const answer = await send(client, 'Subject: x\r\n\r\n..text');
    const [mail] = ingress.spool.mails;
    const id = mail!.envelope.id;
    expect(answer).toBe(`250 2.0.0 Ok: queued as ${id}`);
    expect(mail!.envelope).toEqual({
      id,
      reversePath: 'a@b.test',
      recipients: [{ forwardPath: 'c@d.test' }],
      body: '7BIT',
      sizeInOctets: mail!.content!.length,
      acceptedAt: expect.any(Number) as number,
      client: { address: '127.0.0.1', helo: '[127.0.0.1]', protocol: 'ESMTP' },
      listener: 'mx',
    });
    // RFC 5321 §4.4, RFC 5322 §3.3
    expect(contentOf(mail)).toMatch(
      new RegExp(
        '^Received: from \\[127\\.0\\.0\\.1\\] \\(\\[127\\.0\\.0\\.1\\]\\)\\r\\n' +
          `\\tby mx\\.example\\.org with ESMTP id ${id}\\r\\n\\tfor <c@d\\.test>;\\r\\n` +
          '\\t[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}\\r\\n' +
          'Subject: x\\r\\n\\r\\n\\.text\\r\\n$',
      ),
    );
    expect(ingress.bus.events).toMatchObject([
      {
        event: 'accepted',
        mail: id,
        shard: '0',
        recipients: ['c@d.test'],
        client: '127.0.0.1',
        listener: 'mx',
      },
    ]);
    await until(() => hints.length > 0);
    client.close();
  });

  test('with several recipients names none in the trace field, and nobody twice', async () => {
    const ingress = await start();
    const client = await greetedClient(ingress.port, 'HELO client.example');
    await client.codes(
      'MAIL FROM:<>',
      'RCPT TO:<c@d.test>',
      'RCPT TO:<e@d.test>',
      'RCPT TO:<c@D.test>',
      'DATA',
    );
    expect((await client.command('x\r\n.')).code).toBe(250);
    const [mail] = ingress.spool.mails;
    expect(mail?.envelope).toMatchObject({ reversePath: '', client: { protocol: 'SMTP' } });
    expect(mail?.envelope.recipients).toEqual([{ forwardPath: 'c@d.test' }, { forwardPath: 'e@d.test' }]);
    expect(contentOf(mail)).not.toContain('for <');
    client.close();
  });

  test('gets no 250 before its commit', async () => {
    const ingress = await start();
    let commit: ((result: CommitResult) => void) | undefined;
    ingress.spool.commit = () => new Promise((resolve) => (commit = resolve));
    const client = await greetedClient(ingress.port);
    await client.codes(...transaction);
    client.write('x\r\n.\r\nNOOP\r\n');
    await until(() => commit !== undefined);
    await pause(30);
    expect(client.unread).toBe('');
    commit?.({ result: 'committed', shard: '0', sequence: 1 });
    expect((await client.reply()).lines[0]).toMatch(/queued as/);
    expect((await client.reply()).code).toBe(250);
    client.close();
  });
});

describe('when the spool does not take it', () => {
  test.each([
    ['full', { result: 'full' }, '452 4.3.1'],
    ['unavailable', { result: 'unavailable', text: 'x' }, '451 4.3.0'],
    ['unknown', { result: 'unknown', text: 'x' }, '451 4.3.0'],
  ] as const)('%s', async (_, result, answer) => {
    const ingress = await start();
    ingress.spool.commit = () => result;
    const client = await greetedClient(ingress.port);
    expect(await send(client, 'x')).toMatch(new RegExp(`^${answer} `));
    expect(ingress.bus.events).toMatchObject([
      { event: 'rejected', verb: 'end-of-data', reversePath: 'a@b.test' },
    ]);
    ingress.spool.commit = () => ({ result: 'committed', shard: '0', sequence: 1 });
    expect(await send(client, 'x')).toMatch(/^250 /);
    client.close();
  });

  test.each([
    ['full', 452],
    ['away', 451],
  ] as const)('room %s: MAIL is refused', async (room, code) => {
    const ingress = await start();
    ingress.spool.room = room;
    const client = await greetedClient(ingress.port);
    expect(await client.codes('MAIL FROM:<a@b.test>')).toEqual([code]);
    ingress.spool.room = 'ok';
    expect(await client.codes('MAIL FROM:<a@b.test>')).toEqual([250]);
    client.close();
  });

  test('a fault ends that session and no other', async () => {
    const ingress = await start();
    const other = await greetedClient(ingress.port);
    const client = await greetedClient(ingress.port);
    ingress.spool.commit = () => {
      throw new Error('broken');
    };
    await client.codes(...transaction);
    client.write('x\r\n.\r\n');
    expect(await client.rest()).toMatch(/^421 4\.3\.0 mx\.example\.org /);
    expect(ingress.faults).toHaveLength(1);
    expect((await other.command('NOOP')).code).toBe(250);
    expect(ingress.figures()['contentHeldInOctets']).toBe(0);
    client.close();
    other.close();
  });
});

describe('limits', () => {
  test('recipients: 452 over it, and the others get the mail', async () => {
    const ingress = await start({ config: { limits: { recipients: 100 } } });
    const client = await greetedClient(ingress.port);
    await client.command('MAIL FROM:<>');
    const commands = Array.from({ length: 102 }, (_, n) => `RCPT TO:<u${n}@d.test>`);
    const codes = await client.codes(...commands);
    expect(codes.filter((code) => code === 250)).toHaveLength(100);
    expect(codes.slice(100)).toEqual([452, 452]);
    expect((await client.command('DATA')).code).toBe(354);
    expect((await client.command('x\r\n.')).code).toBe(250);
    expect(ingress.spool.mails[0]?.envelope.recipients).toHaveLength(100);
    client.close();
  });

  test('more recipients than an envelope holds: parts that share the content', async () => {
    const ingress = await start();
    const client = await greetedClient(ingress.port);
    client.write(
      ['MAIL FROM:<>', ...Array.from({ length: 1000 }, (_, n) => `RCPT TO:<u${n}@d.test>`), ''].join('\r\n'),
    );
    for (let n = 0; n < 1001; n++) expect((await client.reply()).code).toBe(250);
    await client.command('DATA');
    expect((await client.command('x\r\n.')).code).toBe(250);
    const [first, second] = ingress.spool.mails;
    expect(ingress.spool.mails).toHaveLength(2);
    expect(second?.envelope.id).toBe(`${first?.envelope.id}-1`);
    expect(second?.content).toBe(first?.content);
    const all = ingress.spool.mails.flatMap(({ envelope }) => envelope.recipients);
    expect(new Set(all.map(({ forwardPath }) => forwardPath)).size).toBe(1000);
    client.close();
  });

  test('size: 552 at the end, nothing kept, and the session goes on', async () => {
    const ingress = await start({ config: { limits: { message_size: '1000B' } } });
    const client = await greetedClient(ingress.port);
    expect(await send(client, `${'x'.repeat(78)}\r\n`.repeat(20))).toMatch(/^552 5\.3\.4 /);
    expect(await send(client, 'x'.repeat(998))).toMatch(/^250 /);
    expect(await send(client, 'x'.repeat(999))).toMatch(/^552 /);
    expect(ingress.figures()['contentHeldInOctets']).toBe(0);
    client.close();
  });

  test('Received fields: 554 5.4.6 over it', async () => {
    const ingress = await start({ config: { limits: { received_headers: 3 } } });
    const client = await greetedClient(ingress.port);
    expect(await send(client, `${'Received: x\r\n'.repeat(3)}\r\nReceived: y`)).toMatch(/^250 /);
    expect(await send(client, `${'Received: x\r\n'.repeat(4)}\r\ny`)).toMatch(/^554 5\.4\.6 /);
    client.close();
  });

  test('text lines: as long as they come, or 554 5.6.0 over what is configured; a stuffed dot does not count', async () => {
    const lines = (octets: number): string => `short\r\n..${'x'.repeat(octets - '.\r\n'.length)}`;
    const [any, bounded] = [await start(), await start({ config: { limits: { text_line: '1000B' } } })];
    const sloppy = await greetedClient(any.port);
    expect(await send(sloppy, lines(5000))).toMatch(/^250 /);
    const client = await greetedClient(bounded.port);
    expect(await send(client, lines(1000))).toMatch(/^250 /);
    expect(await send(client, lines(1001))).toMatch(/^554 5\.6\.0 A line is longer than the 1000 octets/);
    expect(await send(client, `.${'x'.repeat(1200)}\r\nMAIL FROM:<evil@evil.test>`)).toMatch(/^554 5\.6\.0 /);
    expect((await client.command('NOOP')).code).toBe(250);
    for (const each of [sloppy, client]) each.close();
  });

  test('command lines: 512 octets are taken, a longer one than we take is refused', async () => {
    const ingress = await start();
    const client = await greetedClient(ingress.port);
    expect((await client.command(`NOOP ${'x'.repeat(505)}`)).code).toBe(250);
    expect((await client.command(`NOOP ${'x'.repeat(5000)}`)).code).toBe(500);
    expect((await client.command('NOOP')).code).toBe(250);
    client.close();
  });

  test('unknown commands: 421 after ten', async () => {
    const ingress = await start();
    const client = await greetedClient(ingress.port);
    for (let n = 0; n < 10; n++) expect((await client.command('XYZZY')).code).toBe(500);
    expect((await client.command('XYZZY')).code).toBe(421);
    expect(await client.rest()).toBe('');
    client.close();
  });

  test('connections: 421 over it, and a place is free when one ends', async () => {
    const ingress = await start({ config: { limits: { connections: 2 } } });
    const clients = [await greetedClient(ingress.port), await greetedClient(ingress.port)];
    const third = await RawClient.connect(ingress.port);
    expect(await third.rest()).toMatch(/^421 4\.3\.2 /);
    clients[0]?.close();
    await until(() => ingress.figures()['sessions'] === 1);
    const fourth = await RawClient.connect(ingress.port);
    expect((await fourth.reply()).code).toBe(220);
    for (const client of [...clients, third, fourth]) client.close();
  });

  test('silence: 421 4.4.2', async () => {
    const ingress = await start({ config: { limits: { command_timeout: '60ms' } } });
    const client = await greetedClient(ingress.port);
    expect(await client.rest()).toMatch(/^421 4\.4\.2 /);
    client.close();
    const within = await RawClient.connect(ingress.port);
    await within.reply();
    within.write('EHLO c.example\r\n');
    await within.reply();
    within.write('MAIL FROM:<>\r\nRCPT TO:<c@d.test>\r\nDATA\r\n');
    expect(await within.rest()).toMatch(/421 4\.4\.2 [^\r]*\r\n$/);
    within.close();
  });

  test('all of DATA: 421 when it lasts too long', async () => {
    const ingress = await start({ config: { limits: { data_time: '50ms' } } });
    const client = await greetedClient(ingress.port);
    await client.codes(...transaction);
    const trickle = setInterval(() => client.write('x'), 10);
    expect(await client.rest()).toMatch(/^421 4\.4\.2 /);
    clearInterval(trickle);
    expect(ingress.figures()['contentHeldInOctets']).toBe(0);
    client.close();
  });
});

describe('aliases', () => {
  const local = { domains: ['ours.test'] };
  const config = { local, relay: { networks: [] } };

  test('members take the place of the recipient, and nobody gets it twice', async () => {
    const members = ['x@ours.test', 'far@away.test'];
    const ingress = await start({
      config,
      resolve: (forwardPath) =>
        forwardPath === 'list@ours.test' ? { result: 'expanded', members } : { result: 'local' },
    });
    const client = await greetedClient(ingress.port);
    await client.codes('MAIL FROM:<>', 'RCPT TO:<x@ours.test>', 'RCPT TO:<list@ours.test>', 'DATA');
    expect((await client.command('x\r\n.')).code).toBe(250);
    expect(ingress.spool.mails[0]?.envelope.recipients).toEqual([
      { forwardPath: 'x@ours.test' },
      { forwardPath: 'far@away.test', original: 'list@ours.test' },
    ]);
    client.close();
  });

  test.each([
    [{ result: 'unknown' }, '550 5.1.1'],
    [{ result: 'loop', path: [] }, '550 5.4.6'],
    [{ result: 'temporary', text: 'x' }, '451 4.3.0'],
    [{ result: 'expanded', members: [] }, '550 5.2.4'],
    [{ result: 'expanded', members: Array.from({ length: 1001 }, (_, n) => `${n}@x.test`) }, '550 5.2.4'],
  ] as const)('%o', async (answer, expected) => {
    const ingress = await start({ config, resolve: () => answer });
    const client = await greetedClient(ingress.port);
    await client.command('MAIL FROM:<>');
    const { code, lines } = await client.command('RCPT TO:<x@ours.test>');
    expect(`${code} ${lines[0]}`).toMatch(new RegExp(`^${expected} `));
    expect(ingress.bus.events).toMatchObject([{ event: 'rejected', verb: 'RCPT', recipient: 'x@ours.test' }]);
    client.close();
  });

  test('nobody who answers: 451, and the session goes on', async () => {
    const ingress = await start({ config, resolve: () => Promise.reject(new Error('away')) });
    const client = await greetedClient(ingress.port);
    expect(await client.codes('MAIL FROM:<>', 'RCPT TO:<x@ours.test>', 'NOOP')).toEqual([250, 451, 250]);
    client.close();
  });
});
