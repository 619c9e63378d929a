/** The parameters of DSN (RFC 3461): off until their promise is kept, carried where they are offered. */
import { expect, test } from 'vitest';
import { greetedClient } from './raw-client.js';
import { start } from './transactions.js';

const listener = { role: 'mx', listen: ['127.0.0.1:0'], tls: { mode: 'off' } };

test('by default the extension is not there', async () => {
  const ingress = await start();
  const client = await greetedClient(ingress.port);
  expect((await client.command('EHLO client.example')).lines).not.toContain('DSN');
  expect(
    await client.codes(
      'MAIL FROM:<a@b.test> RET=HDRS',
      'MAIL FROM:<a@b.test>',
      'RCPT TO:<c@d.test> NOTIFY=NEVER',
    ),
  ).toEqual([555, 250, 555]);
  client.close();
});

test('where it is offered, what is asked for stands in the envelope', async () => {
  const ingress = await start({ config: { listeners: { mx: { ...listener, offer: ['DSN'] } } } });
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
