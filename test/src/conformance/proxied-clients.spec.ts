/** Clients behind others: the PROXY protocol, XCLIENT and XFORWARD. */
import { tempFolder } from '@postrider/testing';
import { expect, test } from 'vitest';
import { greetedClient, RawClient } from './raw-client.js';
import { contentOf, start, transaction, until } from './transactions.js';

const off = { tls: { mode: 'off' }, listen: ['127.0.0.1:0'] };
const behindBalancer = (networks: readonly string[]) =>
  start({
    config: { relay: { networks: ['192.0.2.0/24'] }, listeners: { mx: { ...off, proxy_from: networks } } },
  });
const header = (address: string): string => `PROXY TCP4 ${address} 127.0.0.1 1234 25\r\n`;

test('who is behind a balancer is who it says', async () => {
  const ingress = await behindBalancer(['127.0.0.0/8']);
  for (const [address, code] of [
    ['192.0.2.7', 250],
    ['198.51.100.7', 550],
  ] as const) {
    const client = await RawClient.connect(ingress.port);
    client.write(header(address));
    await client.reply();
    await client.codes('EHLO client.example', 'MAIL FROM:<a@b.test>');
    expect((await client.command('RCPT TO:<c@away.test>')).code).toBe(code);
    if (code === 250) await client.codes('DATA', 'text\r\n.');
    client.close();
  }
  expect(ingress.spool.mails[0]?.envelope.client.address).toBe('192.0.2.7');
  expect(contentOf(ingress.spool.mails[0])).toContain('from client.example ([192.0.2.7])');
});

test('a header octet by octet, and the commands in its packet', async () => {
  const ingress = await behindBalancer(['127.0.0.1']);
  const slow = await RawClient.connect(ingress.port);
  for (const octet of header('192.0.2.7')) slow.write(octet);
  expect((await slow.reply()).code).toBe(220);
  slow.close();
  const binary = await RawClient.connect(ingress.port);
  binary.write(Buffer.from('0d0a0d0a000d0a515549540a2111000cc0000207c633640104d20019', 'hex'));
  expect((await binary.reply()).code).toBe(220);
  binary.close();
});

test('neither a balancer without a header nor anybody else is served', async () => {
  const strict = await behindBalancer(['127.0.0.1']);
  const client = await RawClient.connect(strict.port);
  client.write('EHLO client.example\r\n');
  expect(await client.rest()).toBe('');
  const elsewhere = await behindBalancer(['198.51.100.1']);
  for (const first of ['', header('192.0.2.7')]) {
    const other = await RawClient.connect(elsewhere.port);
    other.write(first);
    expect(await other.rest()).toBe('');
  }
});

test('TLS at once behind a balancer', async () => {
  const folder = tempFolder('postrider-proxied-');
  const listeners = { s: { role: 'submissions', listen: ['127.0.0.1:0'], proxy_from: ['127.0.0.1'] } };
  const ingress = await start({ config: { data_dir: folder.path, listeners } });
  const client = await RawClient.connect(ingress.port);
  client.write(header('192.0.2.7'));
  await client.startTls();
  expect((await client.reply()).code).toBe(220);
  expect((await client.command('EHLO client.example')).code).toBe(250);
  client.close();
  await until(() => ingress.figures()['sessions'] === 0);
  folder.remove();
});

const trusting = () =>
  start({
    config: {
      relay: { networks: ['127.0.0.1'] },
      listeners: { mx: { ...off, xclient_from: ['127.0.0.1'] } },
    },
  });

test('XCLIENT: the session begins anew as the other client, who may not speak for others', async () => {
  const ingress = await trusting();
  const client = await greetedClient(ingress.port);
  const { lines } = await client.command('EHLO client.example');
  expect(lines).toContain('XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT');
  expect(await client.codes('XCLIENT', 'XCLIENT ADDR=nonsense', 'XCLIENT FOO=bar')).toEqual([501, 501, 501]);
  expect((await client.command('XCLIENT NAME=x.test ADDR=192.0.2.7')).code).toBe(220);
  expect((await client.command('MAIL FROM:<a@b.test>')).code).toBe(503);
  expect((await client.command('EHLO x.test')).lines.join()).not.toContain('XCLIENT');
  expect(await client.codes('XCLIENT ADDR=127.0.0.1', 'MAIL FROM:<a@b.test>')).toEqual([550, 250]);
  expect((await client.command('RCPT TO:<c@away.test>')).code).toBe(550);
  client.close();
});

test('XCLIENT: an address that is not known is trusted with nothing; LOGIN is an identity', async () => {
  const ingress = await trusting();
  for (const [attributes, code] of [
    ['ADDR=[UNAVAILABLE]', 550],
    ['ADDR=IPV6:2001:db8::1', 550],
    ['ADDR=192.0.2.7 LOGIN=ann@ours.test', 250],
  ] as const) {
    const client = await greetedClient(ingress.port);
    await client.codes(`XCLIENT ${attributes}`, 'EHLO client.example', 'MAIL FROM:<ann@ours.test>');
    expect((await client.command('RCPT TO:<c@away.test>')).code, attributes).toBe(code);
    client.close();
  }
});

test('XCLIENT: limits of networks and clients are those of whom it speaks for', async () => {
  const partners = { networks: ['192.0.2.0/24'], connections: 2, recipients: 100, message_size: '100B' };
  const ingress = await start({
    config: {
      relay: { networks: ['127.0.0.1'] },
      limits: { networks: { partners }, per_client: { connections: 1, mails_a_minute: 1 } },
      listeners: { mx: { ...off, xclient_from: ['127.0.0.1'] } },
    },
  });
  const as = async (address: string): Promise<RawClient> => {
    const client = await greetedClient(ingress.port);
    const { code, lines } = await client.command(`XCLIENT ADDR=${address}`);
    if (code === 421)
      expect([lines[0], await client.rest()]).toEqual([expect.stringMatching(/^4\.7\.0 /), '']);
    return code === 421 ? client : (await client.command('EHLO x.test'), client);
  };
  const codes = async (client: RawClient) =>
    client.codes('EHLO x.test', 'MAIL FROM:<>', 'RSET', 'MAIL FROM:<>');
  const first = await as('192.0.2.1');
  expect((await first.command('EHLO x.test')).lines).toEqual(
    expect.arrayContaining(['SIZE 100', 'LIMITS RCPTMAX=100']) as string[],
  );
  expect(await codes(first)).toEqual([250, 250, 250, 451]);
  // One too many of its address; then one of its network beside the first.
  await as('192.0.2.1');
  const second = await as('192.0.2.2');
  await as('192.0.2.3');
  expect(await codes(second)).toEqual([250, 250, 250, 451]);
  first.close();
  await until(() => ingress.figures()['sessions'] === 1);
  const third = await as('IPV6:::ffff:192.0.2.3');
  expect((await third.command('EHLO x.test')).lines).toContain('SIZE 100');
  second.close();
  third.close();
});

test('XCLIENT in two commands, ADDR last: LOGIN and NAME stay (Postfix XCLIENT_README)', async () => {
  const ingress = await start({
    config: {
      relay: { networks: [] },
      access: { rules: ['name=good.test relay', 'name=- reject 550 5.7.25 without a name'] },
      listeners: { mx: { ...off, xclient_from: ['127.0.0.1'] } },
    },
  });
  for (const [commands, reply] of [
    [['XCLIENT LOGIN=ann@ours.test NAME=other.test', 'XCLIENT ADDR=192.0.2.7'], '250 2.1.5'],
    [['XCLIENT NAME=good.test', 'XCLIENT ADDR=192.0.2.7'], '250 2.1.5'],
    [['XCLIENT NAME=other.test ADDR=192.0.2.7'], '550 5.7.1'],
    [['XCLIENT LOGIN=ann@ours.test', 'XCLIENT LOGIN=[UNAVAILABLE] NAME=a.test ADDR=192.0.2.7'], '550 5.7.1'],
    [['XCLIENT NAME=[UNAVAILABLE] ADDR=192.0.2.7'], '550 5.7.25'],
    [['XCLIENT NAME=[TEMPUNAVAIL] ADDR=192.0.2.7'], '451 4.4.3'],
  ] as const) {
    const client = await greetedClient(ingress.port);
    await client.codes(...commands, 'EHLO client.example', 'MAIL FROM:<ann@ours.test>');
    const { code, lines } = await client.command('RCPT TO:<c@away.test>');
    expect(`${code} ${lines[0]}`, commands.join()).toContain(reply);
    client.close();
  }
});

test('an IPv4 address in the form of IPv6 is that of IPv4, whoever names it', async () => {
  const ingress = await behindBalancer(['127.0.0.1']);
  const client = await RawClient.connect(ingress.port);
  client.write('PROXY TCP6 ::ffff:192.0.2.7 ::1 1234 25\r\n');
  await client.reply();
  expect(await client.codes('EHLO client.example', ...transaction, 'text\r\n.')).toEqual([
    250, 250, 250, 354, 250,
  ]);
  expect(contentOf(ingress.spool.mails[0])).toContain('([192.0.2.7])');
  client.close();
});

test('XFORWARD: told of the mail, and trusted with nothing', async () => {
  const ingress = await trusting();
  const client = await greetedClient(ingress.port);
  expect(
    await client.codes(
      'XFORWARD ADDR=198.51.100.9 HELO=far.test',
      'XFORWARD ADDR=x',
      ...transaction,
      'text\r\n.',
    ),
  ).toEqual([250, 501, 250, 250, 354, 250]);
  expect(ingress.spool.mails[0]?.envelope.client).toMatchObject({
    address: '198.51.100.9',
    helo: 'far.test',
  });
  expect(contentOf(ingress.spool.mails[0])).toContain('([127.0.0.1])');
  client.close();
});

test('XFORWARD is of one mail, and the last that is said of it counts (Postfix XFORWARD_README)', async () => {
  const ingress = await trusting();
  const client = await greetedClient(ingress.port);
  const told = async (...commands: readonly string[]) => {
    await client.codes(...commands, ...transaction, 'text\r\n.');
    const { address, helo } = ingress.spool.mails.at(-1)?.envelope.client ?? {};
    return `${address} ${helo}`;
  };
  const far = 'XFORWARD ADDR=198.51.100.9 HELO=far.test';
  expect(await told(far)).toBe('198.51.100.9 far.test');
  expect(await told()).toBe('127.0.0.1 client.example');
  expect(await told(far, 'RSET')).toBe('127.0.0.1 client.example');
  expect(await told(far, 'XFORWARD ADDR=198.51.100.8')).toBe('198.51.100.8 far.test');
  expect(await told(far, 'XFORWARD ADDR=[UNAVAILABLE] HELO=[UNAVAILABLE]')).toBe('127.0.0.1 client.example');
  client.close();
});

test('neither for who is not trusted', async () => {
  const ingress = await start();
  const client = await greetedClient(ingress.port);
  expect(await client.codes('XCLIENT ADDR=192.0.2.7', 'XFORWARD ADDR=192.0.2.7')).toEqual([550, 550]);
  client.close();
});
