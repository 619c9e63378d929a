/** Access rules at the recipient: what they add to relay control, and what they take from it. */
import { dnsResolver, type LocateAnswer, type ReverseAnswer } from '@postrider/protocol';
import { expect, test } from 'vitest';
import { greetedClient } from './raw-client.js';
import { contentOf, start, until } from './transactions.js';

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

test('relay to a domain is no way through it: forms that name another hop stay refused (RFC 2505 §2.1)', async () => {
  const rules = ['to=@partner.test relay', 'from=@known.test client=127.0.0.1 relay'];
  const ingress = await start({ config: { access: { rules }, local, relay: { networks: [] } } });
  const client = await greetedClient(ingress.port);
  const forms = ['a', 'a%else.test', 'else.test!a', '"a@else.test"'].map(
    (form) => `RCPT TO:<${form}@partner.test>`,
  );
  expect(await client.codes('MAIL FROM:<a@b.test>', ...forms)).toEqual([250, 250, 550, 550, 550]);
  // Whom a rule trusts may write what he wants.
  const known = 'RCPT TO:<a%b@third.test>';
  expect(await client.codes('RSET', 'MAIL FROM:<a@known.test>', known)).toEqual([250, 250, 250]);
  client.close();
});

test('a mail is held, and has fields on top, as rules say', async () => {
  const rules = [
    'to=odd@ours.test hold Looks odd',
    'to=marked@ours.test header X-Rule: marked',
    'to=@else.test header X-Rule: relayed',
  ];
  const ingress = await start({ config: { access: { rules }, local, relay: { networks: [] } } });
  const client = await greetedClient(ingress.port);
  const data = ['DATA', 'Subject: x\r\n\r\ntext\r\n.'];
  expect(
    await client.codes(
      'MAIL FROM:<a@b.test>',
      'RCPT TO:<marked@ours.test>',
      'RCPT TO:<marked@ours.test>',
      'RCPT TO:<odd@ours.test>',
      'RCPT TO:<x@else.test>',
      ...data,
      'MAIL FROM:<a@b.test>',
      'RCPT TO:<other@ours.test>',
      ...data,
    ),
  ).toEqual([250, 250, 250, 250, 550, 354, 250, 250, 250, 354, 250]);
  const [held, other] = ingress.spool.mails;
  expect(held?.envelope.hold).toBe('Looks odd');
  expect(contentOf(held)).toMatch(/^Received: (?:.*\r\n\t)*.*\r\nX-Rule: marked\r\nSubject: x\r\n/);
  expect(held?.envelope.sizeInOctets).toBe(held?.content?.length);
  expect(other?.envelope.hold).toBeUndefined();
  expect(contentOf(other)).not.toContain('X-Rule');
  client.close();
});

test.each<[ReverseAnswer, number]>([
  [{ result: 'name', name: 'mail.partner.test' }, 250],
  [{ result: 'name', name: 'mail.spam.test' }, 554],
  [{ result: 'none' }, 550],
  [{ result: 'temporary', text: 'SERVFAIL' }, 451],
])('by the name of the client, %j: %i', async (answer, code) => {
  const rules = ['name=.partner.test relay', 'name=.spam.test reject 554 5.7.1 Not you'];
  const ingress = await start({ config: { access: { rules }, local, relay: { networks: [] } } });
  const asked: string[] = [];
  const none = (): LocateAnswer => ({ result: 'temporary', text: 'not asked for' });
  await ingress.bus.host(dnsResolver, () => ({
    handlers: {
      locate: none,
      resolve: none,
      reverse: ({ address }) => {
        asked.push(address);
        return answer;
      },
    },
  }));
  const client = await greetedClient(ingress.port);
  expect(await client.codes('MAIL FROM:<a@b.test>', 'RCPT TO:<far@away.test>')).toEqual([250, code]);
  expect(asked).toEqual(['127.0.0.1']);
  client.close();
});

test('what decides before a rule that asks for the name needs no resolver', async () => {
  const rules = [
    'to=a@ours.test accept',
    'from=@spam.test reject',
    'name=.spam.test reject',
    'client=127.0.0.1 relay',
  ];
  const ingress = await start({ config: { access: { rules }, local, relay: { networks: [] } } });
  const client = await greetedClient(ingress.port);
  const [spam, other] = ['MAIL FROM:<x@spam.test>', 'MAIL FROM:<a@b.test>'];
  const [early, late] = ['RCPT TO:<a@ours.test>', 'RCPT TO:<b@ours.test>'];
  expect(await client.codes(spam, early, late, 'RSET', other, early, late)).toEqual([
    250, 250, 550, 250, 250, 250, 451,
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
