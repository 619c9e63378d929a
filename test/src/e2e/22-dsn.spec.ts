/** Senders hear what they asked to hear (RFC 3461): from us, or from the next hop where it can tell. */
import { join } from 'node:path';
import { startSink, type Sink } from '@postrider/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { canRunPostfix, startPostfix, type RunningPostfix } from '../running-postfix.js';
import { freePort, startPostrider, type RunningPostrider } from '../running-postrider.js';
import { openDialogue } from './dialogue.js';
import { mailsIn, until } from './maildirs.js';
import { inCi } from './peers.js';

let postrider: RunningPostrider;
let sink: Sink;
let postfix: RunningPostfix | undefined;

beforeAll(async () => {
  sink = await startSink({
    keepMails: true,
    rules: { 'gone@plain.test': [{ at: 'rcpt', reply: '550 5.1.1 No such user' }] },
  });
  const postfixPort = await freePort();
  if (canRunPostfix() || inCi) postfix = await startPostfix({ port: postfixPort, nextHopPort: sink.port });
  postrider = await startPostrider(
    [
      'hostname: postrider.example.org',
      'local: { domains: [here.example], users: listed, list: [ann, bob, mixed, lister, told], deliver: "maildir:./mail" }',
      'aliases: { files: [./aliases] }',
      `routes: { plain.test: "smtp://127.0.0.1:${sink.port}", dsn.test: "smtp://127.0.0.1:${postfixPort}" }`,
    ],
    { files: { aliases: 'all: ann, bob\none: ann\n' } },
  );
});
afterAll(async () => {
  await postrider.remove();
  await postfix?.stop();
  await sink.stop();
});

/** Sends one mail. @param recipients with their parameters */
async function send(envelope: string, ...recipients: readonly string[]): Promise<void> {
  const session = await openDialogue(postrider.port);
  await session.command('EHLO client.example');
  const mail = ['Subject: about', '', 'the body', '.'].join('\r\n');
  for (const command of [`MAIL FROM:${envelope}`, ...recipients.map((one) => `RCPT TO:${one}`), 'DATA', mail])
    expect(await session.command(command)).toMatch(/^(?:250|354) /);
  session.close();
}

/** The DSNs of a sender, as soon as there are so many. */
const dsnsOf = (sender: string, count = 1): Promise<readonly string[]> =>
  until(`${count} DSNs for ${sender}`, () => {
    const mails = mailsIn(join(postrider.folder, `mail/${sender}/Maildir`));
    return mails.length >= count && mails;
  });

test('delivered here, relayed to a hop that tells nothing, and failed there', async () => {
  await send(
    '<mixed@here.example> RET=FULL ENVID=QQ+2B1',
    '<ann@here.example> NOTIFY=SUCCESS',
    '<you@plain.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;You@plain.test',
    '<gone@plain.test> NOTIFY=SUCCESS,FAILURE',
    '<quiet@plain.test>',
  );
  const all = (await dsnsOf('mixed', 3)).join('\n');
  expect(all.match(/Original-Envelope-Id: QQ\+1/g)).toHaveLength(3);
  expect(all).toMatch(/Final-Recipient: rfc822; ann@here\.example\r?\nAction: delivered\r?\nStatus: 2\./);
  expect(all).toMatch(
    /Original-Recipient: rfc822; You@plain\.test\r?\nFinal-Recipient: rfc822; you@plain\.test\r?\nAction: relayed/,
  );
  expect(all).toMatch(/Final-Recipient: rfc822; gone@plain\.test\r?\nAction: failed\r?\nStatus: 5\.1\.1/);
  expect(all.match(/^Content-Type: message\/rfc822/gm)).toHaveLength(1);
  expect(all.match(/^the body/gm)).toHaveLength(1);
  expect(all).not.toContain('quiet@plain.test');
  expect(sink.report().violations).toEqual([]);
});

test('an alias of several is expanded; one of one is passed over', async () => {
  await send(
    '<lister@here.example>',
    '<all@here.example> NOTIFY=SUCCESS',
    '<one@here.example> NOTIFY=SUCCESS',
  );
  const all = (await dsnsOf('lister', 1)).join('\n');
  expect(all).toMatch(/Final-Recipient: rfc822; all@here\.example\r?\nAction: expanded/);
  expect(all).not.toContain('bob@');
});

test.runIf(canRunPostfix() || inCi)('a hop that can tell does it, and we do not', async () => {
  await send(
    '<told@plain.test> ENVID=E7',
    '<you@dsn.test> NOTIFY=SUCCESS ORCPT=rfc822;Yo+2Bu@dsn.test',
    '<one@here.example> NOTIFY=NEVER',
  );
  const report = await until('the report of Postfix', () =>
    sink.mails.find(({ content }) => content.includes('message/delivery-status')),
  );
  expect(report.content).toMatch(/Reporting-MTA: dns; postfix\.bench\.test/);
  expect(report.content).toMatch(/Original-Envelope-Id: E7/);
  expect(report.content).toMatch(/Original-Recipient: rfc822; ?Yo\+u@dsn\.test/);
  const { stdout } = await postrider.command('events', '--json', '--since', '1h');
  expect(stdout).not.toMatch(/"bounced".*told@plain\.test/);
});
