/** Every verb in every state: the reply, and the state after it (RFC 5321 §4.1.4, §4.3.2; STYLE.md's table). */
import { join } from 'node:path';
import { makeUser, writeUsers } from '@postrider/auth';
import { tempFolder, type TempFolder } from '@postrider/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RawClient } from './raw-client.js';
import { startIngress, type RunningIngress } from './running-ingress.js';
import {
  heloTable,
  into,
  lmtpTable,
  mxTable,
  offeringTable,
  stateOf,
  states,
  type Table,
} from './verb-state-tables.js';

let folder: TempFolder;
let ingress: RunningIngress;
let offeringIngress: RunningIngress;
beforeAll(async () => {
  folder = tempFolder('postrider-verbs-');
  writeUsers(join(folder.path, 'users'), [await makeUser('ann@ours.test', 'pass word', [])]);
  const common = { listen: ['127.0.0.1:0'], tls: { mode: 'off' } };
  const offering = {
    listen: ['127.0.0.1:0'],
    auth: { mode: 'offered', without_tls: true, senders: 'any' },
    xclient_from: ['127.0.0.1'],
  };
  ingress = await startIngress({
    config: {
      data_dir: folder.path,
      listeners: { mx: common, lmtp: { ...common, role: 'lmtp' } },
    },
  });
  offeringIngress = await startIngress({
    config: {
      data_dir: folder.path,
      privacy: { vrfy: 'all', expn: 'all', etrn: 'all' },
      listeners: { offering },
    },
  });
});
afterAll(async () => {
  await Promise.all([ingress.drain(), offeringIngress.drain()]);
  folder.remove();
});

interface Kind {
  readonly name: string;
  readonly table: Table;
  readonly greeting: string;
  readonly port: () => number;
  /** HELO knows no BDAT. */
  readonly columns: readonly (typeof states)[number][];
}
const withoutChunks = states.filter((state) => state !== 'chunks');
const kinds: readonly Kind[] = [
  {
    name: 'mx',
    table: mxTable,
    greeting: 'EHLO client.example',
    port: () => ingress.port,
    columns: states,
  },
  {
    name: 'all offered',
    table: offeringTable,
    greeting: 'EHLO client.example',
    port: () => offeringIngress.port,
    columns: states,
  },
  {
    name: 'all offered, after HELO',
    table: heloTable,
    greeting: 'HELO client.example',
    port: () => offeringIngress.port,
    columns: withoutChunks,
  },
  {
    name: 'lmtp',
    table: lmtpTable,
    greeting: 'LHLO client.example',
    port: () => ingress.ports[1] ?? 0,
    columns: withoutChunks,
  },
];

const verbOf = (command: string): string => command.split(' ')[0] ?? '';

describe.each(kinds)('$name', ({ table, greeting, port, columns }) => {
  const cells = [...table].flatMap(([command, row]) =>
    columns.map((state) => ({ command, state, code: row[state][0], after: row[state][1] })),
  );

  async function clientIn(state: (typeof states)[number]): Promise<RawClient> {
    const client = await RawClient.connect(port());
    await client.reply();
    await client.codes(...into(greeting)[state]);
    return client;
  }

  test.each(cells)('$command in $state: $code, $after', async ({ command, state, code, after }) => {
    const client = await clientIn(state);
    expect((await client.command(command)).code).toBe(code);
    const expected = after === 'stays' ? state : after;
    if (code === 354) expect((await client.command('text\r\n.')).code).toBe(250);
    // Nothing but a handshake, or an answer, may follow: a command is none.
    if (code === 220 && after === 'closed') client.write('no handshake\r\n');
    else if (code === 334) expect((await client.command('*')).code).toBe(501);
    else expect(await stateOf(client)).toBe(expected);
    client.close();
  });

  test('no verb is missing: HELP names them all', async () => {
    const client = await clientIn('greeting');
    const [, ...syntaxes] = (await client.command('HELP')).lines;
    // A verb that is refused has its reason for a syntax.
    const verbs = syntaxes.map((line) => /^(?:2\.0\.0 )?([A-Z]+)\b/.exec(line)?.[1]);
    const rows = new Set([...table.keys()].map(verbOf));
    for (const verb of verbs) expect(rows).toContain(verb === 'LMTP' ? 'EHLO' : verb);
    expect(verbs.length).toBeGreaterThan(18);
    client.close();
  });

  test.each([...new Set([...table.keys()].map(verbOf))])('%s after QUIT is not answered', async (verb) => {
    const client = await clientIn('ready');
    await client.command('QUIT');
    client.write(`${verb}\r\n`);
    expect(await client.rest()).toBe('');
    client.close();
  });

  test('end of data leads to ready, whatever the reply', async () => {
    const client = await clientIn('rcpt');
    await client.command('DATA');
    expect((await client.command('bare\nLF\r\n.')).code).toBe(554);
    expect(await stateOf(client)).toBe('ready');
    client.close();
  });
});
