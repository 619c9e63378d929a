/** What the command line says of a running system, to people and to machines; and sendmail under its old name. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort, startPostrider, type RunningPostrider } from '../running-postrider.js';
import { openDialogue } from './dialogue.js';
import { mailsIn, until } from './maildirs.js';

let postrider: RunningPostrider;
let id: string;
beforeAll(async () => {
  const down = await freePort();
  postrider = await startPostrider([
    'hostname: postrider.example.org',
    'local: { deliver: "maildir:./mail", users: listed, list: [you, me] }',
    'queue: { retry: { first: 1h, max: 2h } }',
    `routes: { down.test: "smtp://127.0.0.1:${down}", gone.test: "fail:" }`,
  ]);
  expect((await postrider.command('install-sendmail', join(postrider.folder, 'bin'))).code).toBe(0);
  id = (await postrider.command('send', '--from', 'me@localhost', '--to', 'you@down.test')).stdout.trim();
  await deferred();
});
afterAll(() => postrider.remove());

const say = async (...words: readonly string[]): Promise<string> =>
  (await postrider.command(...words)).stdout;
const deferred = (): Promise<unknown> =>
  until('its deferral', async () => (await say('queue', 'list', '--state', 'deferred')).includes(id));

interface SendmailEnd {
  readonly code: number;
  readonly output: string;
}
function sendmail(
  words: readonly string[],
  input: string,
  name = 'sendmail',
  more = {},
): Promise<SendmailEnd> {
  return new Promise((resolve) => {
    const env = { ...process.env, POSTRIDER_CONFIG: postrider.configFile, ...more };
    const child = execFile(
      join(postrider.folder, 'bin', name),
      [...words],
      { env, timeout: 60_000 },
      (_, out, err) => resolve({ code: child.exitCode ?? 1, output: out + err }),
    );
    child.stdin?.end(input);
  });
}

test('what waits: its line, and how many', async () => {
  const list = await say('queue', 'list');
  expect(list).toMatch(/ECONNREFUSED|refused/);
  expect(list.trimEnd().split('\n').at(-1)).toBe('1 mail');
  expect(await say('queue', 'list', '--domain', 'other.test')).toBe('nothing that waits matches\n');
});

test('every command that shows something gives one JSON value with --json', async () => {
  const lines = [
    ['queue', 'list'],
    ['queue', 'summary'],
    ['queue', 'show', id],
    ['queue', 'show', '000000000000000000'],
    ['queue', 'release', id],
    ['trace', id],
    ['trace', 'nobody@example.org'],
    ['route', 'test', 'you@localhost'],
    ['config', 'check'],
    ['config', 'show'],
    ['send', '--from', 'me@localhost', '--to', 'you@localhost'],
    ['send', '--from', 'me@localhost', '--to', 'you@localhost', '--follow'],
  ];
  for (const line of lines) {
    const { stdout } = await postrider.command(...line, '--json');
    expect(JSON.parse(stdout), line.join(' ')).toBeTypeOf('object');
  }
});

test('send: 1 when a recipient is refused, or with --follow fails', async () => {
  const send = (...words: readonly string[]) => postrider.command('send', '--from', 'me@localhost', ...words);
  const some = await send('--to', 'you@localhost', '--to', 'nobody@localhost');
  expect(some).toMatchObject({ code: 1, stderr: expect.stringContaining('nobody@localhost: 550') as string });
  expect(some.stdout).not.toBe('');
  expect(await send('--to', 'you@gone.test', '--follow')).toMatchObject({ code: 1 });
  expect(await send('--to', 'you@localhost', '--follow')).toMatchObject({ code: 0 });
});

test('trace of an address: its mails with their DSNs, and what was refused to it', async () => {
  const trace = await until('the DSN', async () => {
    const told = await say('trace', 'you@gone.test');
    return told.includes('  DSN ') && told.includes('nothing of it waits') ? told : undefined;
  });
  expect(trace).toMatch(/failed +you@gone\.test.*\n.*bounced/);
  const session = await openDialogue(postrider.port);
  for (const line of [
    'EHLO client.example',
    'MAIL FROM:<me@localhost>',
    'RCPT TO:<nobody@localhost>',
    'QUIT',
  ])
    await session.command(line);
  const refused = await postrider.command('trace', 'nobody@localhost');
  expect(refused.code).toBe(0);
  // By `send` above, and by this session.
  expect(refused.stdout).toMatch(
    /^of no one mail\n.*rejected +RCPT nobody@localhost of local .*\n.*rejected +RCPT nobody@localhost of 127/,
  );
  expect((await postrider.command('trace', 'else@localhost')).code).toBe(1);
});

test('events with --json: a value a line', async () => {
  const lines = (await say('events', '--json')).trimEnd().split('\n');
  for (const line of lines) expect(JSON.parse(line)).toHaveProperty('event');
});

test('an act that finds nothing to do says why, exit 1', async () => {
  const none = await postrider.command('queue', 'retry', '--domain', 'other.test');
  expect(none).toMatchObject({ code: 1, stdout: 'retried: 0 mails: no mail that waits matches\n' });
  expect(await say('queue', 'release', id)).toBe('released: 0 mails: it is not held\n');
  expect(await say('queue', 'hold', id)).toBe('held: 1 mail\n');
  expect(await say('queue', 'retry', id)).toBe(
    "retried: 0 mails: it is held; 'queue release' has held mail tried again\n",
  );
  expect(await say('queue', 'release', id)).toBe('released: 1 mail\n');
  await deferred();
});

test('no event that matches: said, exit 1', async () => {
  const { code, stderr } = await postrider.command('events', 'no such text');
  expect(code).toBe(1);
  expect(stderr).toContain('--since looks further back');
});

test('sendmail -t -i: recipients of the header, dots stay, no Bcc goes out', async () => {
  const input = 'To: you@localhost\nBcc: me@localhost\nSubject: by sendmail\n\nbefore\n.\nafter\n';
  expect(await sendmail(['-t', '-i', '-f', 'me@localhost'], input)).toEqual({ code: 0, output: '' });
  for (const user of ['you', 'me']) {
    const maildir = join(postrider.folder, 'mail', user, 'Maildir');
    const mail = await until('the mail', () => mailsIn(maildir).find((text) => text.includes('by sendmail')));
    expect(mail).toMatch(/before\r?\n\.\r?\nafter/);
    expect(mail).not.toMatch(/^Bcc:/m);
  }
});

test('without -i a single dot ends the mail', async () => {
  expect((await sendmail(['you@localhost'], 'Subject: dotted\n\nbefore\n.\nafter\n')).code).toBe(0);
  const maildir = join(postrider.folder, 'mail/you/Maildir');
  const mail = await until('the mail', () => mailsIn(maildir).find((text) => text.includes('dotted')));
  expect(mail).not.toContain('after');
});

test.each([
  ['no recipient', [], 64, 'no recipient'],
  ['a session on standard input', ['-bs'], 64, '-bm, -bp and -bi'],
  ['a user that there is none', ['nobody@localhost'], 67, 'nobody@localhost'],
])('sendmail, %s: its sysexit and a line', async (_, words, code, text) => {
  const end = await sendmail(words, 'Subject: s\n\nbody\n');
  expect(end.code).toBe(code);
  expect(end.output).toContain(text);
});

test('sendmail with nothing running: 75, so that the caller keeps the mail', async () => {
  const more = { POSTRIDER__DATA_DIR: join(postrider.folder, 'nothing') };
  const end = await sendmail(['you@localhost'], 'Subject: s\n\nbody\n', 'sendmail', more);
  expect(end.code).toBe(75);
  expect(end.output).toContain('nothing runs');
});

test('mailq lists what waits; newaliases has nothing to do', async () => {
  const mailq = await sendmail([], '', 'mailq');
  expect(mailq.code).toBe(0);
  expect(mailq.output).toContain(id);
  expect((await sendmail([], '', 'newaliases')).code).toBe(0);
});
