/** The parameters of DSN (RFC 3461): offered by default, and carried in the envelope. */
import { expect, test } from 'vitest';
import { greetedClient } from './raw-client.js';
import { start } from './transactions.js';

test('what is asked for stands in the envelope', async () => {
  const ingress = await start();
  const client = await greetedClient(ingress.port);
  expect((await client.command('EHLO client.example')).lines).toContain('DSN');
  expect(
    await client.codes(
      'MAIL FROM:<a@b.test> RET=SOME',
      'MAIL FROM:<a@b.test> RET=hdrs ENVID=QQ+20314 SIZE=100',
      'RCPT TO:<c@d.test> NOTIFY=NEVER,DELAY',
      'RCPT TO:<c@d.test> NOTIFY=success,FAILURE ORCPT=rfc822;C+2Bx@d.test',
      'RCPT TO:<e@d.test> NOTIFY=NEVER',
      'RCPT TO:<f@d.test>',
      'DATA',
      'text\r\n.',
    ),
  ).toEqual([501, 250, 501, 250, 250, 250, 354, 250]);
  const [mail] = ingress.spool.mails;
  expect(mail?.envelope.dsn).toEqual({ ret: 'HDRS', envid: 'QQ 314' });
  expect(mail?.envelope.recipients).toEqual([
    { forwardPath: 'c@d.test', notify: ['SUCCESS', 'FAILURE'], orcpt: 'rfc822;C+x@d.test' },
    { forwardPath: 'e@d.test', notify: ['NEVER'] },
    { forwardPath: 'f@d.test' },
  ]);
  client.close();
});

test('an alias with several members is a recipient of its own when success is asked for', async () => {
  const ingress = await start({
    resolve: (forwardPath) =>
      forwardPath.startsWith('all')
        ? { result: 'expanded', members: ['x@d.test', 'y@d.test'] }
        : { result: 'local' },
    config: { local: { domains: ['d.test'] } },
  });
  const client = await greetedClient(ingress.port);
  for (const from of ['a@b.test', ''])
    expect(
      await client.codes(`MAIL FROM:<${from}>`, 'RCPT TO:<all@d.test> NOTIFY=SUCCESS', 'DATA', 'text\r\n.'),
    ).toEqual([250, 250, 354, 250]);
  const members = ['x@d.test', 'y@d.test'].map((forwardPath) => ({
    forwardPath,
    original: 'all@d.test',
    notify: ['NEVER'],
  }));
  expect(ingress.spool.mails.map(({ envelope }) => envelope.recipients)).toEqual([
    [...members, { forwardPath: 'all@d.test', notify: ['SUCCESS'], expanded: true }],
    members,
  ]);
  client.close();
});

test('HELO knows no parameters', async () => {
  const ingress = await start();
  const client = await greetedClient(ingress.port, '');
  expect(await client.codes('HELO client.example', 'MAIL FROM:<a@b.test> RET=HDRS')).toEqual([250, 555]);
  client.close();
});
