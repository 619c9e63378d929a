/** Mail goes on to a next hop as it came, over few connections, and encrypted where the hop offers it. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { canRunPostfix, startPostfix, type RunningPostfix } from '../running-postfix.js';
import { freePort, startPostrider, type RunningPostrider } from '../running-postrider.js';
import { dumpedMails, dumpFolder, startSmtpSink, type CountingSink } from '../smtp-sink.js';
import { until } from './maildirs.js';
import { inCi, runClient, swaks, testWith } from './peers.js';

let postrider: RunningPostrider;
let sink: CountingSink;
let postfix: RunningPostfix | undefined;
const folder = dumpFolder();

beforeAll(async () => {
  const [sinkPort, postfixPort] = [await freePort(), await freePort()];
  sink = await startSmtpSink(sinkPort, { dumpFolder: folder });
  if (canRunPostfix() || inCi)
    postfix = await startPostfix({ port: postfixPort, nextHopPort: sinkPort, tls: true });
  postrider = await startPostrider([
    'hostname: postrider.example.org',
    `routes: { dest.test: "smtp://127.0.0.1:${sinkPort}", tls.test: "smtp://127.0.0.1:${postfixPort}" }`,
  ]);
});
afterAll(async () => {
  await postrider.remove();
  await postfix?.stop();
  await sink.stop();
  rmSync(folder, { recursive: true });
});

const dumped = (subject: string): Promise<string> =>
  until(`a mail with ${subject} in the sink`, () =>
    dumpedMails(folder).find((mail) => mail.includes(`Subject: ${subject}\n`)),
  );

testWith('swaks', 'smtp-sink')(
  'envelope and content arrive as they came, with our trace field on top',
  async () => {
    const body = 'first line\n.leading dot\n..two dots\n\nlast line';
    await swaks(
      postrider.port,
      '--from',
      'me@example.org',
      '--to',
      'You@dest.test',
      '--header',
      'Subject: intact',
      '--body',
      body,
    );
    const mail = await dumped('intact');
    expect(mail).toContain('X-Mail-Args: <me@example.org>');
    expect(mail).toContain('X-Rcpt-Args: <You@dest.test>');
    expect(mail).toMatch(/by postrider\.example\.org\s+with ESMTP id [0-9a-z]{18}/);
    expect(mail).toContain(`\n\n${body}`);
    // Its file is there before it is counted.
    await sink.reached(1);
  },
);

testWith('smtp-source', 'smtp-sink')('a thousand mails arrive, each once', async () => {
  const before = sink.count();
  const words = ['-s', '20', '-m', '1000', '-d', '-l', '2000', '-f', 'a@bench.test', '-t', 'b@dest.test'];
  expect(await runClient('smtp-source', [...words, `127.0.0.1:${postrider.port}`])).toMatchObject({
    code: 0,
  });
  await sink.reached(before + 1000);
  const summary = await until('an empty queue', async () => {
    const { stdout } = await postrider.command('queue', 'summary', '--json');
    return /"active":\s*0\b/.test(stdout) && stdout;
  });
  expect(summary).toMatch(/"deferred":\s*0\b/);
  expect(sink.count()).toBe(before + 1000);
});

test.runIf(canRunPostfix() || inCi)(
  'a real MTA as the next hop, encrypted since it offers STARTTLS',
  async () => {
    await swaks(
      postrider.port,
      '--from',
      'me@example.org',
      '--to',
      'you@tls.test',
      '--header',
      'Subject: encrypted',
    );
    const mail = await dumped('encrypted');
    expect(mail).toMatch(/Received: from postrider\.example\.org .*\n\s+\(using TLSv1\.[23] with cipher/);
  },
);
