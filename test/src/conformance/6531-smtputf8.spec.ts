/** Addresses and headers in any script (RFC 6531): with SMTPUTF8, and only with it. */
import { expect, test } from 'vitest';
import { greetedClient } from './raw-client.js';
import { contentOf, start } from './transactions.js';

const octets = (text: string): string => Buffer.from(text).toString('latin1');

test('with the parameter addresses and header are taken as they are', async () => {
  const ingress = await start();
  const client = await greetedClient(ingress.port);
  expect((await client.command('EHLO client.example')).lines).toContain('SMTPUTF8');
  expect(
    await client.codes(
      octets('MAIL FROM:<jörg@bücher.test> SMTPUTF8 BODY=8BITMIME'),
      octets('RCPT TO:<用户@d.test> NOTIFY=FAILURE ORCPT=utf-8;用户@d.test'),
      'DATA',
      octets('Subject: grüße\r\n\r\ntext\r\n.'),
    ),
  ).toEqual([250, 250, 354, 250]);
  const [mail] = ingress.spool.mails;
  expect(mail?.envelope).toMatchObject({
    reversePath: 'jörg@xn--bcher-kva.test',
    smtputf8: 'header',
    client: { protocol: 'UTF8SMTP' },
    recipients: [{ forwardPath: '用户@d.test', notify: ['FAILURE'], orcpt: 'utf-8;用户@d.test' }],
  });
  expect(contentOf(mail)).toMatch(/with UTF8SMTP id \S+;/);
  client.close();
});

test('without it no address may be so, and no value but none is taken', async () => {
  const ingress = await start();
  const client = await greetedClient(ingress.port);
  const answers: string[] = [];
  for (const command of [
    'MAIL FROM:<a@b.test> SMTPUTF8=1',
    octets('MAIL FROM:<jörg@b.test>'),
    'MAIL FROM:<j\xf6rg@b.test> SMTPUTF8',
    'MAIL FROM:<a@b.test>',
    octets('RCPT TO:<jörg@b.test>'),
    octets('RCPT TO:<a@b.test> ORCPT=utf-8;jörg@b.test'),
    'RSET',
    'HELO client.example',
    'MAIL FROM:<a@b.test> SMTPUTF8',
  ]) {
    const { code, lines } = await client.command(command);
    answers.push(`${code} ${lines[0]?.split(' ')[0] ?? ''}`);
  }
  expect(answers).toEqual([
    '501 5.5.4',
    '550 5.6.7',
    '501 5.1.7',
    '250 2.1.0',
    '553 5.6.7',
    '553 5.6.7',
    '250 2.0.0',
    '250 mx.example.org',
    '555 5.5.4',
  ]);
  client.close();
});

const part = octets(
  'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Disposition: attachment; filename="grüße"',
);
test.each([
  [' SMTPUTF8', 'Subject: plain', 'asked'],
  [' SMTPUTF8', octets('Subject: grüße'), 'header'],
  ['', octets('Subject: grüße'), undefined],
  [' SMTPUTF8', part, 'header'],
  ['', part, undefined],
] as const)('MAIL%s, %j: %s', async (parameter, header, expected) => {
  const ingress = await start();
  const client = await greetedClient(ingress.port);
  await client.codes(`MAIL FROM:<a@b.test>${parameter}`, 'RCPT TO:<c@d.test>', 'DATA');
  expect((await client.command(`${header}\r\n\r\ntext\r\n.`)).code).toBe(250);
  expect(ingress.spool.mails[0]?.envelope.smtputf8).toBe(expected);
  client.close();
});

test('who submits such a header without it hears so', async () => {
  const listener = {
    role: 'submission',
    listen: ['127.0.0.1:0'],
    tls: { mode: 'off' },
    auth: { mode: 'off' },
  };
  const access = { rules: ['to=@d.test relay'] };
  const ingress = await start({ config: { listeners: { s: listener }, access } });
  const client = await greetedClient(ingress.port);
  for (const [parameter, code] of [
    ['', 554],
    [' SMTPUTF8', 250],
  ] as const) {
    await client.codes(`MAIL FROM:<a@b.test>${parameter}`, 'RCPT TO:<c@d.test>', 'DATA');
    expect((await client.command(octets('Subject: grüße\r\n\r\ntext\r\n.'))).code).toBe(code);
  }
  // In a part it is no reason.
  await client.codes('MAIL FROM:<a@b.test>', 'RCPT TO:<c@d.test>', 'DATA');
  expect((await client.command(`${part}\r\n\r\ntext\r\n.`)).code).toBe(250);
  expect(ingress.spool.mails).toHaveLength(2);
  expect(ingress.figures()['contentHeldInOctets']).toBe(0);
  client.close();
});

test('VRFY and EXPN answer in UTF-8 to who can read it', async () => {
  const ingress = await start({
    resolve: () => ({ result: 'expanded', members: ['jörg@d.test', 'x@d.test'] }),
    config: { local: { domains: ['d.test'] }, privacy: { vrfy: 'all', expn: 'all' } },
  });
  const client = await greetedClient(ingress.port);
  const said = async (command: string): Promise<string> => {
    const { code, lines } = await client.command(octets(command));
    return Buffer.from(`${code} ${lines.join(' ')}`, 'latin1').toString();
  };
  expect(await said('EXPN all SMTPUTF8')).toBe('250 2.1.5 <jörg@d.test> 2.1.5 <x@d.test>');
  expect(await said('EXPN all')).toMatch(/^252 2\.6\.8 /);
  expect(await said('VRFY jörg SMTPUTF8')).toBe('250 2.1.5 <jörg@d.test>');
  expect(await said('VRFY jörg')).toMatch(/^252 2\.6\.8 /);
  client.close();
});
