/** Who has authenticated submits mail by a system as it is started, and it arrives complete; nobody else does. */
import { rmSync } from 'node:fs';
import { afterAll, beforeAll, expect } from 'vitest';
import { freePort, startPostrider, type RunningPostrider } from '../running-postrider.js';
import { dumpedMails, dumpFolder, startSmtpSink, type CountingSink } from '../smtp-sink.js';
import { addUser } from './add-user.js';
import { until } from './maildirs.js';
import { runClient, testWith } from './peers.js';

let postrider: RunningPostrider;
let sink: CountingSink;
let port: number;
const folder = dumpFolder();
const secret = 'correct horse';

beforeAll(async () => {
  const sinkPort = await freePort();
  sink = await startSmtpSink(sinkPort, { dumpFolder: folder });
  port = await freePort();
  postrider = await startPostrider(
    ['hostname: postrider.example.org', `routes: { "*": "smtp://127.0.0.1:${sinkPort}" }`],
    { listeners: [`s: { role: submissions, listen: ["127.0.0.1:${port}"] }`] },
  );
  await addUser(postrider, 'ann@ours.test', secret);
});
afterAll(async () => {
  await postrider.remove();
  await sink.stop();
  rmSync(folder, { recursive: true });
});

/** TLS at once; a mail without Date and Message-ID. */
const submit = async (from: string, password: string): Promise<string> => {
  const program = `
import smtplib, ssl, sys
port, sender, password = int(sys.argv[1]), sys.argv[2], sys.argv[3]
with smtplib.SMTP_SSL('127.0.0.1', port, context=ssl._create_unverified_context()) as server:
    server.login('ann@ours.test', password)
    server.sendmail(sender, ['far@away.test'], 'From: ' + sender + '\\r\\nSubject: submitted\\r\\n\\r\\ntext\\r\\n')
print('sent')
`;
  return (await runClient('python3', ['-c', program, String(port), from, password])).output;
};

testWith('python3', 'smtp-sink')('a mail of her own goes out, with what it lacked', async () => {
  expect(
    await until('the user to be known', async () => {
      const output = await submit('ann@ours.test', secret);
      return output.includes('sent') && output;
    }),
  ).toContain('sent');
  const mail = await until('the mail in the sink', () =>
    dumpedMails(folder).find((text) => text.includes('Subject: submitted\n')),
  );
  expect(mail).toMatch(/\(authenticated as ann@ours\.test\)\s+by postrider\.example\.org with ESMTPSA/);
  expect(mail).toMatch(/^Date: .+$/m);
  expect(mail).toMatch(/^Message-ID: <\S+@postrider\.example\.org>$/m);
});

testWith('python3')('nobody else, and nothing of others', async () => {
  expect(await submit('ann@ours.test', 'wrong')).toContain('535');
  expect(await submit('boss@ours.test', secret)).toContain('550');
});
