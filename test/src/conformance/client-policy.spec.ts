/** What clients may take and ask: limits of one address, the greeting, privacy. */
import type { ResolveAnswer } from '@postrider/protocol';
import { tempFolder } from '@postrider/testing';
import { expect, test } from 'vitest';
import { greetedClient, RawClient } from './raw-client.js';
import { start, until } from './transactions.js';

const strangers = { relay: { networks: [] }, local: { domains: ['localhost'] } };
const startFor = (config: object, resolve?: (to: string) => ResolveAnswer) =>
  start({ config: { ...strangers, ...config }, ...(resolve ? { resolve } : {}) });

test('so many connections of one address, and not more after the others are gone', async () => {
  const ingress = await startFor({ limits: { per_client: { connections: 2 } } });
  const clients = [await greetedClient(ingress.port), await greetedClient(ingress.port)];
  const third = await RawClient.connect(ingress.port);
  expect((await third.reply()).code).toBe(421);
  expect(await third.rest()).toBe('');
  for (const client of clients) client.close();
  await until(() => ingress.figures()['sessions'] === 0);
  const next = await RawClient.connect(ingress.port);
  expect((await next.reply()).code).toBe(220);
  next.close();
});

test('mails and recipients a minute; our own networks are not counted', async () => {
  const per_client = { mails_a_minute: 1, recipients_a_minute: 2 };
  const ingress = await startFor({ limits: { per_client } });
  const client = await greetedClient(ingress.port);
  const rcpt = 'RCPT TO:<a@localhost>';
  expect(
    await client.codes('MAIL FROM:<a@b.test>', rcpt, rcpt, rcpt, 'RSET', 'MAIL FROM:<a@b.test>'),
  ).toEqual([250, 250, 250, 452, 250, 451]);
  client.close();
  const own = await start({ config: { limits: { per_client } } });
  const ours = await greetedClient(own.port);
  expect(await ours.codes('MAIL FROM:<>', 'RSET', 'MAIL FROM:<>')).toEqual([250, 250, 250]);
  ours.close();
});

test('who speaks before the greeting is refused; who waits is greeted', async () => {
  const ingress = await startFor({ limits: { greeting_delay: '300ms' } });
  const early = await RawClient.connect(ingress.port);
  early.write('EHLO client.example\r\n');
  expect((await early.reply()).code).toBe(554);
  expect(await early.rest()).toBe('');
  const patient = await RawClient.connect(ingress.port);
  expect((await patient.reply()).code).toBe(220);
  expect((await patient.command('EHLO client.example')).code).toBe(250);
  patient.close();
});

/** They are written before anything of the server is read. */
const early = 'EHLO client.example\r\nMAIL FROM:<a@b.test>\r\n';
const refusedAtOnce = /^554 5\.5\.0 \S+ You spoke before the greeting\r\n$/;

test('without a delay, too, what comes before the greeting is refused: ours are no exception', async () => {
  const own = { relay: { networks: ['127.0.0.0/8'] } };
  for (const config of [{}, own]) {
    const ingress = await startFor(config);
    const client = await RawClient.connect(ingress.port, early);
    expect(await client.rest()).toMatch(refusedAtOnce);
    expect(ingress.figures()).toMatchObject({ sessions: 0, sessionsTotal: 1 });
  }
});

test('what comes behind the header of a balancer, and within TLS, is refused likewise', async () => {
  const folder = tempFolder('postrider-early-');
  const listen = ['127.0.0.1:0'];
  const behind = { listen, tls: { mode: 'off' }, proxy_from: ['127.0.0.1'] };
  const listeners = { behind, secure: { role: 'submissions', listen } };
  const ingress = await startFor({ data_dir: folder.path, listeners });
  const proxied = await RawClient.connect(ingress.port, `PROXY TCP4 192.0.2.7 127.0.0.1 1 25\r\n${early}`);
  expect(await proxied.rest()).toMatch(refusedAtOnce);
  const secured = await RawClient.connectTls(ingress.ports[1] ?? 0, {}, early);
  expect(await secured.rest()).toMatch(refusedAtOnce);
  folder.remove();
});

const whoIs = (to: string): ResolveAnswer => {
  if (to === 'list@localhost') return { result: 'expanded', members: ['a@localhost', 'b@else.test'] };
  return to === 'ann@localhost' ? { result: 'local' } : { result: 'unknown' };
};

test('VRFY and EXPN tell those who may ask', async () => {
  const ingress = await startFor({ privacy: { vrfy: 'all', expn: 'all' } }, whoIs);
  const client = await greetedClient(ingress.port, '');
  const lines = async (command: string): Promise<string> => {
    const { code, lines: texts } = await client.command(command);
    return `${code} ${texts.join(', ')}`;
  };
  expect(await lines('VRFY ann')).toBe('250 2.1.5 <ann@localhost>');
  expect(await lines('VRFY <ann@localhost>')).toBe('250 2.1.5 <ann@localhost>');
  expect(await lines('VRFY list')).toBe('250 2.1.5 <list@localhost>');
  expect(await lines('EXPN list')).toBe('250 2.1.5 <a@localhost>, 2.1.5 <b@else.test>');
  expect(
    await client.codes('VRFY nobody', 'VRFY a@else.test', 'VRFY a b', 'EXPN a@else.test', 'EXPN'),
  ).toEqual([550, 252, 553, 550, 501]);
  client.close();
});

test('what nobody can tell now is neither so nor not so (RFC 5321 §3.5.3)', async () => {
  const ingress = await startFor({ privacy: { vrfy: 'all', expn: 'all' } }, () => ({
    result: 'temporary',
    text: '',
  }));
  const client = await greetedClient(ingress.port);
  expect(await client.codes('VRFY ann', 'EXPN ann')).toEqual([252, 252]);
  client.close();
});

test('and others learn nothing; HELP and the banner are as configured', async () => {
  const ingress = await startFor({ privacy: { vrfy: 'networks', help: 'authenticated', banner: '' } }, whoIs);
  const client = await RawClient.connect(ingress.port);
  expect((await client.reply()).lines).toEqual(['mx.example.org ESMTP']);
  expect(await client.codes('VRFY ann', 'VRFY nobody', 'EXPN list', 'HELP', 'ETRN x')).toEqual([
    252, 252, 502, 502, 503,
  ]);
  client.close();
});

test('who has not greeted may ask nothing, where that is wanted', async () => {
  const ingress = await startFor({ privacy: { vrfy: 'all', expn: 'all', need_helo: true } }, whoIs);
  const client = await greetedClient(ingress.port, '');
  expect(await client.codes('VRFY ann', 'EXPN list', 'HELP', 'NOOP', 'HELO client.example')).toEqual([
    503, 503, 503, 250, 250,
  ]);
  expect(await client.codes('VRFY ann', 'EXPN list', 'HELP')).toEqual([250, 250, 214]);
  client.close();
});

test('a listener has limits of its own', async () => {
  const listen = ['127.0.0.1:0'];
  const own = {
    connections: 1,
    recipients: 100,
    message_size: '100B',
    bad_commands: 2,
    per_client: { mails_a_minute: 2 },
  };
  const listeners = {
    strict: { listen, tls: { mode: 'off' }, limits: own },
    other: { listen, tls: { mode: 'off' } },
  };
  const ingress = await startFor({ listeners });
  const client = await greetedClient(ingress.port, '');
  expect((await client.command('EHLO client.example')).lines).toEqual(
    expect.arrayContaining(['SIZE 100', 'LIMITS RCPTMAX=100']) as string[],
  );
  const second = await RawClient.connect(ingress.port);
  expect((await second.reply()).code).toBe(421);
  expect(await client.codes('MAIL FROM:<>', 'RSET', 'MAIL FROM:<>', 'RSET', 'MAIL FROM:<>')).toEqual([
    250, 250, 250, 250, 451,
  ]);
  expect(await client.codes('EHLO', 'X', 'EHLO', 'X', 'EHLO')).toEqual([501, 500, 501, 500, 421]);
  client.close();
  const other = await greetedClient(ingress.ports[1] ?? 0, '');
  expect((await other.command('EHLO client.example')).lines).toContain('LIMITS RCPTMAX=1000');
  expect(await other.codes('MAIL FROM:<>', 'RSET', 'MAIL FROM:<>', 'RSET', 'MAIL FROM:<>')).toEqual([
    250, 250, 250, 250, 250,
  ]);
  other.close();
  await until(() => ingress.figures()['sessions'] === 0);
  const next = await RawClient.connect(ingress.port);
  expect((await next.reply()).code).toBe(220);
  next.close();
});

const mistakes = { unknown_commands: 2, bad_commands: 3, refused_recipients: 4 };
const ehlo = 'EHLO client.example';
const stranger = 'RCPT TO:<a@else.test>';

test.each([
  ['unknown commands', ['X', 'Y', ehlo, 'X'], [500, 500, 250, 421]],
  ['wrong commands', ['EHLO', 'TURN', 'MAIL', 'RSET x'], [501, 502, 503, 421]],
  [
    'refused recipients',
    [ehlo, 'MAIL FROM:<>', ...Array.from({ length: 5 }, () => stranger)],
    [250, 250, 550, 550, 550, 550, 421],
  ],
  [
    'none of these',
    ['X', 'EHLO', 'X', ehlo, 'EHLO', 'MAIL FROM:<>', stranger],
    [500, 501, 500, 250, 501, 250, 550],
  ],
])('%s: counted for themselves', async (_, commands, codes) => {
  const ingress = await startFor({ limits: mistakes });
  const client = await greetedClient(ingress.port, '');
  expect(await client.codes(...commands)).toEqual(codes);
  client.close();
});

test('all of them are forgiven with a mail', async () => {
  const ingress = await startFor({ limits: mistakes });
  const client = await greetedClient(ingress.port);
  const mail = ['MAIL FROM:<>', stranger, stranger, 'RCPT TO:<a@localhost>', 'DATA', '.'];
  const wrong = ['X', 'X', 'RSET x', 'RSET x'];
  const codes = [250, 550, 550, 250, 354, 250, 500, 500, 501, 501];
  expect(await client.codes(...mail, ...wrong, ...mail, ...wrong)).toEqual([...codes, ...codes]);
  client.close();
});

test('command lines are as long as is configured', async () => {
  const ingress = await startFor({ limits: { command_line: '1257B' } });
  const client = await greetedClient(ingress.port);
  const noop = (octets: number): string => `NOOP ${'x'.repeat(octets - 'NOOP \r\n'.length)}`;
  expect(await client.codes(noop(1257), noop(1258), 'NOOP')).toEqual([250, 500, 250]);
  client.close();
});

test('a network of clients has limits of its own, the narrowest that a client is in, on each listener', async () => {
  const networks = {
    wide: { networks: ['127.0.0.0/8'], message_size: '300B', recipients: 300 },
    narrow: {
      networks: ['::1', '127.0.0.1'],
      connections: 2,
      message_size: '200B',
      bad_commands: 1,
      per_client: { mails_a_minute: 1 },
    },
    elsewhere: { networks: ['192.0.2.0/24'], message_size: '100B' },
  };
  const listen = ['127.0.0.1:0'];
  const one = { listen, tls: { mode: 'off' }, limits: { message_size: '400B', recipients: 400 } };
  // They are ours, and yet they are named.
  const relay = { networks: ['127.0.0.0/8'] };
  const listeners = { one, other: { listen, tls: { mode: 'off' } } };
  const ingress = await startFor({ relay, listeners, limits: { networks } });
  const client = await greetedClient(ingress.port, '');
  expect((await client.command(ehlo)).lines).toEqual(
    expect.arrayContaining(['SIZE 200', 'LIMITS RCPTMAX=400']) as string[],
  );
  expect(await client.codes('MAIL FROM:<>', 'RSET', 'MAIL FROM:<>')).toEqual([250, 250, 451]);
  const other = await greetedClient(ingress.ports[1] ?? 0);
  // One client, whichever listener he comes to.
  expect(await other.codes('MAIL FROM:<>')).toEqual([451]);
  const third = await RawClient.connect(ingress.port);
  expect((await third.reply()).lines).toEqual([
    '4.7.0 mx.example.org Too many connections from your network, try again later',
  ]);
  expect(await client.codes('EHLO', 'EHLO')).toEqual([501, 421]);
  client.close();
  let code = 0;
  while (code !== 220) {
    const next = await RawClient.connect(ingress.port);
    code = (await next.reply()).code;
    next.close();
  }
  other.close();
});

test('a session that lasts too long hears 421 at its next command', async () => {
  const ingress = await startFor({ limits: { session_time: '0s' } });
  const client = await RawClient.connect(ingress.port);
  await client.reply();
  client.write('NOOP\r\n');
  expect(await client.rest()).toMatch(/^421 4\.4\.2 /);
  client.close();
});

test('nor does an exchange of AUTH keep it, an octet at a time', async () => {
  const folder = tempFolder('postrider-session-time-');
  const auth = { mode: 'offered', without_tls: true };
  const listeners = { mx: { listen: ['127.0.0.1:0'], tls: { mode: 'off' }, auth } };
  const ingress = await startFor({ data_dir: folder.path, listeners, limits: { session_time: '400ms' } });
  const client = await greetedClient(ingress.port);
  expect(await client.codes('AUTH LOGIN')).toEqual([334]);
  const answers = setInterval(() => client.write('A'), 50);
  expect(await client.rest()).toMatch(/^421 4\.4\.2 /);
  clearInterval(answers);
  folder.remove();
});
