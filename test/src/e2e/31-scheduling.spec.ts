/** When a mail is to go, by its sender: held, also over a restart; passed on; returned when its time is over. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { freePort, startPostrider, type RunningPostrider } from '../running-postrider.js';
import { startRecordingHop, type RecordingHop } from '../recording-hop.js';
import { addUser } from './add-user.js';
import { openDialogue } from './dialogue.js';
import { mailsIn, until } from './maildirs.js';
import { runClient, testWith } from './peers.js';

let postrider: RunningPostrider;
let hop: RecordingHop;
/** It does not know DELIVERBY. */
let plainHop: RecordingHop;
let submission: number;

beforeAll(async () => {
  const [hopPort, plainPort, downPort] = [await freePort(), await freePort(), await freePort()];
  submission = await freePort();
  hop = await startRecordingHop(hopPort, ['PIPELINING', 'DELIVERBY 10', 'MT-PRIORITY']);
  plainHop = await startRecordingHop(plainPort, ['PIPELINING', 'DSN']);
  const listener = `s: { role: submissions, listen: ["127.0.0.1:${submission}"] }`;
  postrider = await startPostrider(
    [
      'hostname: postrider.example.org',
      'local: { deliver: "maildir:./mail" }',
      'priority: { networks: ["127.0.0.0/8"] }',
      'queue: { retry: { first: 1s, max: 2s } }',
      'routes:',
      `  down.test: "smtp://127.0.0.1:${downPort}"`,
      `  plain.test: "smtp://127.0.0.1:${plainPort}"`,
      `  "*": "smtp://127.0.0.1:${hopPort}"`,
    ],
    { listeners: [listener] },
  );
  await addUser(postrider, 'ann@localhost', 'secret words');
});
afterAll(async () => {
  await postrider.remove();
  await hop.stop();
  await plainHop.stop();
});

/** @returns the mail's id */
const submit = async (to: string, parameters: string): Promise<string> => {
  const program = `
import smtplib, ssl, sys
port, to, parameters = int(sys.argv[1]), sys.argv[2], sys.argv[3].split()
with smtplib.SMTP_SSL('127.0.0.1', port, context=ssl._create_unverified_context()) as server:
    server.login('ann@localhost', 'secret words')
    server.mail('ann@localhost', parameters)
    server.rcpt(to)
    print(server.data('From: ann@localhost\\r\\nTo: ' + to + '\\r\\n\\r\\ntext\\r\\n'))
`;
  const { output } = await runClient('python3', ['-c', program, String(submission), to, parameters]);
  return /queued as (\S+?)'/.exec(output)?.[1] ?? output;
};
const heard = (pattern: RegExp): Promise<string> =>
  until(`the hop to hear ${pattern.source}`, () => hop.heard.find((line) => pattern.test(line)), 60_000);

testWith('python3')(
  'HOLDFOR: shown as held, also over a restart, and sent when its time has come',
  async () => {
    const asked = Date.now();
    const id = await until('the user to be known', async () => {
      const text = await submit('later@away.test', 'HOLDFOR=40');
      return /^[0-9a-z]+$/.test(text) && text;
    });
    const shown = async (): Promise<string> =>
      until('it to be queued', async () => {
        const { stdout } = await postrider.command('queue', 'show', id, '--json');
        return stdout.includes('held until') && stdout;
      });
    expect(await shown()).toContain('"deferred"');
    expect((await postrider.command('trace', id)).stdout).toContain('as its sender wants it');
    await postrider.stop();
    await postrider.start();
    expect(await shown()).toContain('"deferred"');
    expect(hop.heard.join('\n')).not.toContain('later@away.test');
    await heard(/later@away\.test/);
    expect(Date.now() - asked).toBeGreaterThanOrEqual(40_000);
  },
);

testWith('python3')('priority and the time that is left are passed on', async () => {
  await submit('now@away.test', 'BY=120;R MT-PRIORITY=5');
  expect(await heard(/MT-PRIORITY=5/)).toMatch(/^MAIL FROM:<ann@localhost> BY=1[01][0-9];R MT-PRIORITY=5$/);
  await heard(/^\tPRIORITY 5;$/);
});

testWith('python3')('by R it comes back when its time is over', async () => {
  await submit('you@down.test', 'BY=4;R');
  const dsn = await dsnAbout('you@down.test');
  expect(dsn).toContain('Final-Recipient: rfc822; you@down.test');
  expect(dsn).toMatch(/^Status: 5\.4\.7\r$/m);
  expect(dsn).toMatch(/^Deliver-by-date: /m);
});

testWith('python3')('by R nothing goes to a hop that has not got the time', async () => {
  await submit('soon@away.test', 'BY=8;R');
  const dsn = await dsnAbout('soon@away.test');
  expect(dsn).toMatch(/^Status: 5\.4\.7\r$/m);
});

const dsnAbout = (address: string): Promise<string> =>
  until(
    `the DSN about ${address}`,
    () => mailsIn(join(postrider.folder, 'mail/ann/Maildir')).find((mail) => mail.includes(address)),
    60_000,
  );

testWith('python3')('by N: relayed to a hop that does not know it, which the sender hears', async () => {
  await submit('far@plain.test', 'BY=600;N');
  const dsn = await dsnAbout('far@plain.test');
  expect(dsn).toMatch(/^Action: relayed\r$/m);
  expect(dsn).toMatch(/^Deliver-by-date: /m);
  expect(plainHop.heard).toContain('RCPT TO:<far@plain.test> NOTIFY=FAILURE,DELAY');
});

testWith('python3')('with T the sender hears of each hop', async () => {
  await submit('traced@away.test', 'BY=600;NT');
  expect(await heard(/BY=[0-9]+;NT/)).toMatch(/^MAIL FROM:<ann@localhost> BY=[0-9]+;NT$/);
  expect(await dsnAbout('traced@away.test')).toMatch(/^Action: relayed\r$/m);
});

testWith('python3')('networks of the configuration may raise a priority, too', async () => {
  const client = await openDialogue(postrider.port);
  await client.command('EHLO client.example');
  expect(await client.command('MAIL FROM:<a@b.test> MT-PRIORITY=9')).toMatch(/^250 2\.1\.0/);
  client.close();
});
