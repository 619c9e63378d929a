/**
 * Postfix as a client by STARTTLS: what it is asked for it asks us for. Its client sends no BDAT, so that CHUNKING has
 * Python's in 3030-chunking.spec.ts.
 */
import { freePort, tempFolder, type TempFolder } from '@postrider/testing';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { inCi, runClient } from '../e2e/peers.js';
import { canRunPostfix, startPostfix, type RunningPostfix } from '../running-postfix.js';
import { startIngress, type RunningIngress } from './running-ingress.js';
import { contentOf, until } from './transactions.js';

const testWithPostfix = test.runIf(canRunPostfix() || inCi);
let folder: TempFolder;
let ingress: RunningIngress;
let postfix: RunningPostfix | undefined;
beforeAll(async () => {
  folder = tempFolder('postrider-postfix-');
  ingress = await startIngress({
    config: {
      data_dir: folder.path,
      relay: { networks: ['127.0.0.0/8'] },
      listeners: { mx: { listen: ['127.0.0.1:0'] } },
    },
  });
  if (canRunPostfix())
    postfix = await startPostfix({ port: await freePort(), nextHopPort: ingress.port, encrypts: true });
});
afterAll(async () => {
  await postfix?.stop();
  await ingress.drain();
  folder.remove();
});
beforeEach(() => {
  ingress.spool.mails.length = 0;
});

/** By smtplib to Postfix. */
async function relayed(program: string): Promise<void> {
  const words = ['-c', `import smtplib, sys\n${program}`, String(postfix?.port)];
  const { code, output } = await runClient('python3', words);
  expect(code, output).toBe(0);
  await until(() => ingress.spool.mails.length > 0);
}

testWithPostfix('DSN: RET, ENVID, NOTIFY and ORCPT', async () => {
  await relayed(`
with smtplib.SMTP('127.0.0.1', int(sys.argv[1])) as server:
    server.ehlo()
    server.mail('a@b.test', ['RET=HDRS', 'ENVID=a+2Bb'])
    server.rcpt('c@d.test', ['NOTIFY=SUCCESS,DELAY', 'ORCPT=rfc822;Carl@D.test'])
    server.rcpt('e@d.test', ['NOTIFY=NEVER'])
    server.data('Subject: x\\r\\n\\r\\nby Postfix\\r\\n')
`);
  expect(ingress.spool.mails[0]?.envelope).toMatchObject({
    client: { protocol: 'ESMTPS' },
    dsn: { ret: 'HDRS', envid: 'a+b' },
    recipients: [
      { forwardPath: 'c@d.test', notify: ['SUCCESS', 'DELAY'], orcpt: 'rfc822;Carl@D.test' },
      { forwardPath: 'e@d.test', notify: ['NEVER'] },
    ],
  });
});

testWithPostfix('8BITMIME and SMTPUTF8', async () => {
  await relayed(`
with smtplib.SMTP('127.0.0.1', int(sys.argv[1])) as server:
    server.ehlo()
    server.sendmail('a@b.test', ['c@d.test'], 'Subject: \\u00f8\\n\\n\\u00e5\\n'.encode(), ['SMTPUTF8', 'BODY=8BITMIME'])
`);
  const [mail] = ingress.spool.mails;
  expect(mail?.envelope).toMatchObject({ body: '8BITMIME', smtputf8: 'header' });
  expect(Buffer.from(contentOf(mail), 'latin1').toString()).toContain('Subject: ø\r\n');
});

testWithPostfix('a large mail, with dots at the beginning of lines', async () => {
  await relayed(`
with smtplib.SMTP('127.0.0.1', int(sys.argv[1])) as server:
    server.sendmail('a@b.test', ['c@d.test'], 'Subject: x\\n\\n' + '.dot ' * 12 + '\\n' + ('.' + 'x' * 70 + '\\n') * 8000)
`);
  const [mail] = ingress.spool.mails;
  expect(mail?.envelope.large?.octets).toBe(mail?.envelope.sizeInOctets);
  const [chunks] = ingress.spool.large.values();
  expect(
    Buffer.concat(chunks ?? [])
      .toString('latin1')
      .match(/^\.x{70}\r$/gm),
  ).toHaveLength(8000);
});
