/** Who may send to whom: no open relay, aliases, unknown users. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPostrider, type RunningPostrider } from '../running-postrider.js';
import { mailsIn, until } from './maildirs.js';
import { swaks, testWith } from './peers.js';
import { openDialogue } from './dialogue.js';

let postrider: RunningPostrider;
let aliases: string;
beforeAll(async () => {
  postrider = await startPostrider(
    [
      'hostname: postrider.example.org',
      'relay: { networks: [], domains: [relayed.example, .under.example] }',
      'local: { domains: [here.example], users: listed, list: [ann, bob], deliver: "maildir:./mail" }',
      'aliases: { files: [./aliases] }',
      'routes: { "*": "discard:" }',
    ],
    {
      files: {
        aliases:
          'all: ann, staff\nstaff: bob, far@away.example\nround: about\nabout: round\npostmaster: round\n',
      },
    },
  );
  aliases = join(postrider.folder, 'aliases');
});
afterAll(() => postrider.remove());

test.each([
  ['ann@here.example', '250 2.1.5'],
  ['Ann@HERE.example', '250 2.1.5'],
  ['all@here.example', '250 2.1.5'],
  ['postmaster@here.example', '250 2.1.5'],
  ['Postmaster', '250 2.1.5'],
  ['x@relayed.example', '250 2.1.5'],
  ['x@a.under.example', '250 2.1.5'],
  ['nobody@here.example', '550 5.1.1'],
  ['round@here.example', '550 5.4.6'],
  ['x@elsewhere.example', '550 5.7.1'],
  ['x@notrelayed.example', '550 5.7.1'],
  ['x%elsewhere.example@here.example', '550 5.'],
  ['"x@elsewhere.example"@here.example', '550 5.'],
  ['elsewhere.example!x@here.example', '550 5.'],
  ['@here.example:x@elsewhere.example', '550 5.7.1'],
  ['x@[192.0.2.1]', '550 5.7.1'],
])('RCPT TO:<%s>: %s', async (recipient, reply) => {
  const session = await openDialogue(postrider.port);
  await session.command('EHLO client.example');
  await session.command('MAIL FROM:<me@example.org>');
  expect((await session.command(`RCPT TO:<${recipient}>`)).startsWith(reply)).toBe(true);
  session.close();
});

testWith('swaks')('an alias is expanded, nested ones too, and a changed file is picked up', async () => {
  await swaks(
    postrider.port,
    '--from',
    'me@example.org',
    '--to',
    'all@here.example',
    '--header',
    'Subject: to all',
  );
  for (const user of ['ann', 'bob'])
    expect(
      await until(`a mail for ${user}`, () => mailsIn(join(postrider.folder, `mail/${user}/Maildir`))[0]),
    ).toContain('Subject: to all');
  writeFileSync(aliases, 'fresh: bob\n');
  await until('the fresh alias', async () => {
    const session = await openDialogue(postrider.port);
    await session.command('EHLO client.example');
    await session.command('MAIL FROM:<me@example.org>');
    const reply = await session.command('RCPT TO:<fresh@here.example>');
    session.close();
    return reply.startsWith('250');
  });
});

test('postmaster without a domain gets the mail, though the alias leads nowhere', async () => {
  const session = await openDialogue(postrider.port);
  for (const command of ['EHLO client.example', 'MAIL FROM:<>', 'RCPT TO:<postmaster>', 'DATA'])
    await session.command(command);
  expect(await session.command('Subject: to whom it concerns\r\n\r\nhelp\r\n.')).toMatch(/^250/);
  session.close();
  expect(
    await until('a mail', () => mailsIn(join(postrider.folder, 'mail/postmaster/Maildir'))[0]),
  ).toContain('to whom it concerns');
});
