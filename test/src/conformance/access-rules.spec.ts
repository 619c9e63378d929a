/** Access rules at the recipient: what they add to relay control, and what they take from it. */
import { expect, test } from 'vitest';
import { greetedClient } from './raw-client.js';
import { start, until } from './transactions.js';

const local = { domains: ['ours.test'], users: 'existing' };

test('refuse, discard, redirect, relay; the rest is as without', async () => {
  const rules = [
    'from=@spam.test reject 554 5.7.2 No thanks',
    'to=later@ours.test defer',
    'to=hole@ours.test discard',
    'to=old@ours.test redirect new@else.test',
    'to=@partner.test from=@ours.test relay',
  ];
  const ingress = await start({ config: { access: { rules }, local, relay: { networks: [] } } });
  const client = await greetedClient(ingress.port);
  expect(
    await client.codes(
      'MAIL FROM:<x@spam.test>',
      'RCPT TO:<a@ours.test>',
      'RSET',
      'MAIL FROM:<a@ours.test>',
      'RCPT TO:<later@ours.test>',
      'RCPT TO:<a@else.test>',
      'RCPT TO:<a@partner.test>',
      'RCPT TO:<old@ours.test>',
      'RCPT TO:<hole@ours.test>',
      'DATA',
      'text\r\n.',
    ),
  ).toEqual([250, 554, 250, 250, 451, 550, 250, 250, 250, 354, 250]);
  expect(ingress.spool.mails[0]?.envelope.recipients).toEqual([
    { forwardPath: 'a@partner.test' },
    { forwardPath: 'new@else.test', original: 'old@ours.test' },
  ]);
  client.close();
});

test('a mail that is discarded for all is stored nowhere, large or small', async () => {
  const ingress = await start({ config: { access: { rules: ['discard'] }, local } });
  const client = await greetedClient(ingress.port);
  for (const text of ['text', 'x'.repeat(900).concat('\r\n').repeat(400)]) {
    await client.codes('MAIL FROM:<a@b.test>', 'RCPT TO:<c@d.test>', 'DATA');
    expect((await client.command(`${text}\r\n.`)).code).toBe(250);
  }
  expect(ingress.spool.mails).toEqual([]);
  await until(() => ingress.spool.large.size === 0);
  expect(ingress.figures()).toMatchObject({ discarded: 2, contentHeldInOctets: 0 });
  client.close();
});
