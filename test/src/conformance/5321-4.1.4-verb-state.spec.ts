/** Every verb in every state: the reply, and the state after it (RFC 5321 §4.1.4, §4.3.2; STYLE.md's table). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RawClient } from './raw-client.js';
import { startIngress, type RunningIngress } from './running-ingress.js';

const states = ['greeting', 'ready', 'mail', 'rcpt'] as const;
type State = (typeof states)[number] | 'closed';

/** Commands that lead from the greeting into a state. */
const into: Readonly<Record<(typeof states)[number], readonly string[]>> = {
  greeting: [],
  ready: ['EHLO client.example'],
  mail: ['EHLO client.example', 'MAIL FROM:<a@example.org>'],
  rcpt: ['EHLO client.example', 'MAIL FROM:<a@example.org>', 'RCPT TO:<b@localhost>'],
};

const stays = 'stays';
type Cell = readonly [code: number, after: State | typeof stays];
type Row = readonly [command: string, greeting: Cell, ready: Cell, mail: Cell, rcpt: Cell];

const same = (command: string, code: number): Row => {
  const cell = [code, stays] as const;
  return [command, cell, cell, cell, cell];
};
const badSequence = [503, stays] as const;
const toReady = [250, 'ready'] as const;
const closes = [221, 'closed'] as const;

const table: readonly Row[] = [
  ['EHLO client.example', toReady, toReady, toReady, toReady],
  ['HELO client.example', toReady, toReady, toReady, toReady],
  ['MAIL FROM:<a@example.org>', badSequence, [250, 'mail'], badSequence, badSequence],
  ['MAIL FROM:<>', badSequence, [250, 'mail'], badSequence, badSequence],
  ['RCPT TO:<c@localhost>', badSequence, badSequence, [250, 'rcpt'], [250, 'rcpt']],
  ['RCPT TO:<c@elsewhere.test>', badSequence, badSequence, [550, stays], [550, stays]],
  ['DATA', badSequence, badSequence, [554, stays], [354, 'rcpt']],
  ['RSET', [250, 'greeting'], toReady, toReady, toReady],
  ['QUIT', closes, closes, closes, closes],
  same('NOOP', 250),
  same('NOOP anything', 250),
  same('HELP', 214),
  same('HELP MAIL', 214),
  same('HELP nothing', 504),
  same('VRFY somebody', 252),
  same('VRFY', 501),
  same('EXPN list', 502),
  same('TURN', 502),
  same('SEND FROM:<a@example.org>', 502),
  same('SOML FROM:<a@example.org>', 502),
  same('SAML FROM:<a@example.org>', 502),
  ['STARTTLS', badSequence, [502, stays], badSequence, badSequence],
  ['AUTH PLAIN', badSequence, [502, stays], badSequence, badSequence],
  ['BDAT 0 LAST', badSequence, badSequence, [554, stays], [250, 'ready']],
  ['XCLIENT ADDR=192.0.2.1', [550, stays], [550, stays], badSequence, badSequence],
  ['XFORWARD ADDR=192.0.2.1', badSequence, [550, stays], badSequence, badSequence],
  ['ETRN example.org', badSequence, [502, stays], badSequence, badSequence],
  same('LHLO client.example', 500),
  same('XYZZY', 500),
  same('', 500),
  same('EHLO', 501),
  same('EHLO under_score', 501),
  same('HELO a b', 501),
  same('RSET now', 501),
  same('QUIT now', 501),
  ['MAIL', badSequence, [501, stays], badSequence, badSequence],
  ['MAIL FROM:<a@b', badSequence, [501, stays], badSequence, badSequence],
  ['MAIL FROM:<a@b> NOSUCH', badSequence, [555, stays], badSequence, badSequence],
  ['RCPT TO:<>', badSequence, badSequence, [501, stays], [501, stays]],
  ['RCPT TO:<c@localhost> NOSUCH', badSequence, badSequence, [555, stays], [555, stays]],
  ['DATA now', badSequence, badSequence, [554, stays], [501, stays]],
];

let ingress: RunningIngress;
beforeAll(async () => {
  ingress = await startIngress();
});
afterAll(async () => {
  await ingress.drain();
});

const cells = table.flatMap(([command, ...row]) =>
  states.map((state, n) => ({ command, state, expected: row[n] ?? badSequence })),
);

describe.each(cells)('$command in $state', ({ command, state, expected: [code, after] }) => {
  test(`${code}, ${after}`, async () => {
    const client = await RawClient.connect(ingress.port);
    await client.reply();
    await client.codes(...into[state]);
    expect((await client.command(command)).code).toBe(code);
    if (code === 354) expect((await client.command('text\r\n.')).code).toBe(250);
    else expect(await stateOf(client)).toBe(after === stays ? state : after);
    client.close();
  });
});

test('end of data leads to ready, whatever the reply', async () => {
  const client = await RawClient.connect(ingress.port);
  await client.reply();
  await client.codes(...into.rcpt, 'DATA');
  expect((await client.command('bare\nLF\r\n.')).code).toBe(554);
  expect(await stateOf(client)).toBe('ready');
  client.close();
});

/** Told from outside: each state answers these differently. */
async function stateOf(client: RawClient): Promise<State> {
  try {
    // Nobody is taken at elsewhere.test, so that the state does not change.
    const rcpt = await client.command('RCPT TO:<x@elsewhere.test>');
    if (rcpt.code === 503) {
      const mail = await client.command('MAIL FROM:<a@b.test> NOSUCH');
      return mail.code === 503 ? 'greeting' : 'ready';
    }
    return (await client.command('DATA')).code === 354 ? 'rcpt' : 'mail';
  } catch {
    return 'closed';
  }
}
