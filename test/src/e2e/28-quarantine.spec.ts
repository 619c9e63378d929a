/**
 * What a replay can't read is set aside, the postmaster hears of it, and `postrider queue quarantine` looks at it, puts it
 * back or drops it; the mail behind it goes on.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { Packr } from 'msgpackr';
import { connect, type NatsConnection } from 'nats';
import { afterAll, beforeAll, expect } from 'vitest';
import { startPostrider, type RunningPostrider } from '../running-postrider.js';
import { mailsIn, until } from './maildirs.js';
import { swaks, testWith } from './peers.js';

const test = testWith('swaks');

interface Listed {
  readonly records: readonly { readonly shard: string; readonly key: string; readonly reason: string }[];
}

let postrider: RunningPostrider;
let nats: NatsConnection;
const events: Readonly<Record<string, unknown>>[] = [];
let quarantined = 0;
beforeAll(async () => {
  postrider = await startPostrider([
    'hostname: postrider.example.org',
    'local: { deliver: "maildir:./mail" }',
    'log: { level: info, format: text }',
  ]);
  const connection = JSON.parse(readFileSync(join(postrider.folder, 'var/nats/connection.json'), 'utf8')) as {
    servers: string[];
    user: string;
    password: string;
  };
  nats = await connect({ servers: connection.servers, user: connection.user, pass: connection.password });
  nats.subscribe('mta.events.queue-manager.quarantined', {
    callback: (_, message) => events.push(message.json()),
  });
  nats.subscribe('mta.status.queue-manager.>', {
    callback: (_, message) => {
      const { shards } = message.json<{ shards: Readonly<Record<string, { quarantined?: number }>> }>();
      quarantined = shards['0']?.quarantined ?? 0;
    },
  });
});
afterAll(async () => {
  await nats.close();
  await postrider.remove();
});

const quarantine = (...words: readonly string[]) => postrider.command('queue', 'quarantine', ...words);

/** @returns the one record that is there, as the command line names it */
const onlyRecord = (): Promise<string> =>
  until('a record in QUARANTINE', async () => {
    const { stdout } = await quarantine('list', '--json');
    const { records } = JSON.parse(stdout) as Listed;
    const [record] = records;
    return record && records.length === 1 && `${record.shard}/${record.key}`;
  });

test('octets that are no segment: listed, told of, shown, not to be released, deleted', async () => {
  expect((await quarantine('list')).code).toBe(1);
  await nats.jetstream().publish('mta.v1.spool.0.segment', Buffer.from('not a segment'));
  const { output } = await swaks(postrider.port, '--from', 'me@localhost', '--to', 'behind@localhost');
  expect(output).toContain('250 2.0.0 Ok');
  await until('the mail behind it', () => mailsIn(join(postrider.folder, 'mail/behind/Maildir'))[0]);

  const name = await onlyRecord();
  const list = await quarantine('list');
  expect([list.code, list.stdout]).toEqual([0, expect.stringContaining(name)]);
  await until('its event', () => events.length > 0);
  expect(events[0]).toMatchObject({ shard: '0', key: name.split('/')[1], log: 'segment' });
  expect(postrider.output()).toContain(`postrider queue quarantine show ${name}`);
  await until('the gauge', () => quarantined === 1);

  const shown = await quarantine('show', name);
  expect([shown.code, shown.stdout]).toEqual([0, expect.stringContaining('not a segment')]);
  const released = await quarantine('release', name);
  expect([released.code, released.stdout]).toEqual([1, expect.stringContaining('not done: ')]);
  expect((await quarantine('delete', name)).code).toBe(2);
  expect(await quarantine('delete', name, '--yes')).toMatchObject({ code: 0, stdout: 'deleted\n' });
  expect(await quarantine('list')).toMatchObject({ code: 1, stdout: 'nothing is set aside\n' });
  expect((await quarantine('show', name)).code).toBe(1);
  expect((await quarantine('release')).code).toBe(2);
});

test('a bundle of outcomes with a record that makes no sense: the mail in it can be released', async () => {
  const subject = 'Subject: was set aside\r\n\r\nstill here\r\n';
  await nats.jetstream().publish('mta.v1.spool.0.outcome', bundleWith(subject));
  // Its owner is fenced off by what it did not write, and takes the shard over anew.
  const name = await onlyRecord();
  const { stdout, code } = await quarantine('release', name);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^released: [0-9a-z]{18}\n$/)]);
  const mail = await until('the mail', () => mailsIn(join(postrider.folder, 'mail/kept/Maildir'))[0]);
  expect(mail).toContain('still here');
  expect((await quarantine('list')).code).toBe(1);
  await until('the gauge', () => quarantined === 0);
});

/** libs/spool/src/record-frame.ts: a final record whose recipients are no list, and the DSN that it bears. */
function bundleWith(content: string): Buffer {
  const id = '2q31307d2hx3127fn6';
  const envelope = {
    id,
    acceptedAt: Date.now(),
    reversePath: '',
    recipients: [{ forwardPath: 'kept@localhost' }],
    body: '7BIT',
    sizeInOctets: content.length,
    client: { address: '127.0.0.1', helo: 'localhost', protocol: 'ESMTP' },
    listener: 'mx',
  };
  const born = [{ envelope, content: Buffer.from(content) }];
  const record = {
    kind: 'failed',
    id: '2q31307d2hx3127fn5',
    at: Date.now(),
    attempt: 1,
    recipients: 5,
    born,
  };
  const bundle = { epoch: 1, owner: 'test', ownership: 'test', bundle: 1 };
  const packed = new Packr({ useRecords: false }).pack({ ...bundle, entries: [{ entry: 'record', record }] });
  const head = Buffer.alloc(12);
  head.write('PRRC', 'latin1');
  head.writeUInt8(1, 4);
  head.writeUInt32BE(crc32(packed), 8);
  return Buffer.concat([head, packed]);
}
