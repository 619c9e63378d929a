/** No open relay (RFC 2505 §2.1, RFC 5321 §7.9): none of the known forms gets mail past us for a stranger. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { greetedClient } from './raw-client.js';
import { startIngress, type RunningIngress } from './running-ingress.js';

/** Ours: ours.test (a local domain), relayed.test and all under .relayed.test. */
const local = { domains: ['ours.test'] };
const domains = ['relayed.test', '.relayed.test'];

const forms: readonly (readonly [sender: string, recipient: string])[] = [
  ['<spam@evil.test>', '<victim@victim.test>'],
  ['<>', '<victim@victim.test>'],
  ['<user@ours.test>', '<victim@victim.test>'],
  ['<postmaster@ours.test>', '<victim@victim.test>'],
  ['<user@localhost>', '<victim@victim.test>'],
  ['<user@[127.0.0.1]>', '<victim@victim.test>'],
  ['<user@mx.example.org>', '<victim@victim.test>'],
  ['<spam@evil.test>', '<victim%victim.test@ours.test>'],
  ['<spam@evil.test>', '<victim%victim.test@[127.0.0.1]>'],
  ['<spam@evil.test>', '<victim%victim.test@relayed.test>'],
  ['<spam@evil.test>', '<victim%victim.test>'],
  ['<spam@evil.test>', '<victim@victim.test@ours.test>'],
  ['<spam@evil.test>', '<"victim@victim.test"@ours.test>'],
  ['<spam@evil.test>', '<"victim@victim.test">'],
  ['<spam@evil.test>', '<"victim%victim.test"@ours.test>'],
  ['<spam@evil.test>', '<"victim@victim.test"@[127.0.0.1]>'],
  ['<spam@evil.test>', '<"victim@victim.test"@relayed.test>'],
  ['<spam@evil.test>', '<@ours.test:victim@victim.test>'],
  ['<spam@evil.test>', '<@[127.0.0.1]:victim@victim.test>'],
  ['<spam@evil.test>', '<@relayed.test,@ours.test:victim@victim.test>'],
  ['<@ours.test:spam@evil.test>', '<victim@victim.test>'],
  ['<spam@evil.test>', '<victim.test!victim>'],
  ['<spam@evil.test>', '<victim.test!victim@ours.test>'],
  ['<spam@evil.test>', '<victim.test!victim@[127.0.0.1]>'],
  ['<spam@evil.test>', '<ours.test!victim.test!victim@relayed.test>'],
  ['<spam@evil.test>', '<"victim.test!victim"@ours.test>'],
  ['<spam@evil.test>', '<victim@[192.0.2.1]>'],
  ['<spam@evil.test>', '<victim@[IPv6:2001:db8::1]>'],
  ['<spam@evil.test>', '<victim@ours.test.victim.test>'],
  ['<spam@evil.test>', '<victim@victimours.test>'],
  ['<spam@evil.test>', '<victim@notrelayed.test>'],
  ['<spam@evil.test>', '<victim@under.ours.test>'],
  ['<spam@evil.test>', '<victim@victim.test.>'],
  ['<spam@evil.test>', '<victim@ours.test@victim.test>'],
  ['<spam@evil.test>', '<"victim\\@victim.test"@ours.test>'],
  ['<spam@evil.test>', '<@ours.test:victim%victim.test@ours.test>'],
  ['<spam@evil.test>', '<victim@VICTIM.TEST>'],
  ['<spam@evil.test>', '"victim@victim.test" <user@ours.test>'],
  ['<spam@evil.test>', '<victim%victim.test%ours.test>'],
  ['<spam@evil.test>', '<@victim.test@ours.test:victim@victim.test>'],
  ['<spam@evil.test>', '<@ours.test,@victim.test:victim@victim.test>'],
  ['<spam@evil.test>', '<ours.test!victim@victim.test>'],
  ['<spam@evil.test>', '<victim@victim.test!ours.test>'],
  ['<spam@evil.test>', '<"victim"@victim.test>'],
  ['<spam@evil.test>', '<victim@[127.0.0.1]>'],
  ['<spam@evil.test>', '<victim@localhost>'],
  ['<spam@evil.test>', '<postmaster@victim.test>'],
  ['<spam@evil.test>', '<victim@victim.test,user@ours.test>'],
  ['<spam@evil.test>', '<victim@victim.test> <user@ours.test>'],
  ['<spam@evil.test>', '<victim@victim.test\0@ours.test>'],
  ['<spam@evil.test>', '<victim@victim.test\t@ours.test>'],
];

let ingress: RunningIngress;
let trusting: RunningIngress;
beforeAll(async () => {
  ingress = await startIngress({ config: { local, relay: { networks: ['192.0.2.0/24'], domains } } });
  trusting = await startIngress({ config: { local, relay: { networks: ['127.0.0.0/8'], domains } } });
});
afterAll(async () => {
  await Promise.all([ingress.drain(), trusting.drain()]);
});

async function code(port: number, sender: string, recipient: string): Promise<number> {
  const client = await greetedClient(port, 'EHLO ours.test');
  await client.command(`MAIL FROM:${sender}`);
  const reply = await client.command(`RCPT TO:${recipient}`);
  client.close();
  return reply.code;
}

/** Whoever it says it is from. */
const senders = [
  '<>',
  '<spam@evil.test>',
  '<user@ours.test>',
  '<"user@ours.test"@ours.test>',
  '<user@relayed.test>',
  '<postmaster@[127.0.0.1]>',
  '<@ours.test:user@ours.test>',
  '<victim@victim.test>',
];

test('there are enough forms', () => {
  expect(forms.length).toBeGreaterThanOrEqual(25);
});

describe.each(forms)('from %s to %s', (sender, recipient) => {
  test('is refused for a stranger', async () => {
    for (const other of [sender, ...senders])
      expect([550, 501, 500], other).toContain(await code(ingress.port, other, recipient));
  });
});

test.each([
  ['<user@ours.test>', 250],
  ['<user@OURS.test>', 250],
  ['<user@relayed.test>', 250],
  ['<user@deep.under.relayed.test>', 250],
  ['<@evil.test:user@ours.test>', 250],
])('what is ours is taken from strangers: %s', async (recipient, expected) => {
  expect(await code(ingress.port, '<a@b.test>', recipient)).toBe(expected);
});

test.each(['<victim@victim.test>', '<victim@[192.0.2.1]>', '<"a@b"@victim.test>', '<a%b@ours.test>'])(
  'a client of the relay networks may: %s',
  async (recipient) => {
    expect(await code(trusting.port, '<a@b.test>', recipient)).toBe(250);
  },
);

test('nothing that was refused was mailed', () => {
  expect(ingress.spool.mails).toEqual([]);
});
