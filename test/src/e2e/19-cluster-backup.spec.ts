/**
 * A backup under load of a store in three copies, a store that is lost, a restore: all is on hold, what was set aside is
 * set aside, and once released each mail arrives once.
 */
import { createHash, randomBytes } from 'node:crypto';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'nats';
import { createTransport, type Transporter } from 'nodemailer';
import { afterAll, beforeAll, expect } from 'vitest';
import { startOutsideNats, type OutsideNats } from '../outside-nats.js';
import { commandLine, freePort } from '../running-postrider.js';
import { initCluster, prepareServices, type RunningServices } from '../running-services.js';
import { dumpedMails, dumpFolder, startSmtpSink, type CountingSink } from '../smtp-sink.js';
import { until } from './maildirs.js';
import { testWith } from './peers.js';

const test = testWith('smtp-sink');
const services = ['smtp-ingress', 'queue-manager', 'outbound-delivery', 'dns-resolver', 'alias-expander'];

let nats: OutsideNats;
let postrider: RunningServices;
let client: Transporter;
let nextHop: number;
let sink: CountingSink | undefined;
const dump = dumpFolder();
/** Hash of the body by mark, of what was accepted. */
const sent = new Map<string, string>();

beforeAll(async () => {
  nats = await startOutsideNats(3);
  nextHop = await freePort();
  postrider = await prepareServices({
    servers: nats.servers,
    settings: [
      'hostname: mx.example.org',
      'spool: { shards: 2, replicas: 3, max_size: 512MiB }',
      `routes: { down.test: "smtp://127.0.0.1:${nextHop}", ok.test: "discard:" }`,
      'queue: { retry: { first: 1h, max: 2h } }',
    ],
  });
  client = createTransport({ host: '127.0.0.1', port: postrider.port, secure: false, ignoreTLS: true });
  await initCluster(postrider);
  await postrider.run(services);
});
afterAll(async () => {
  await sink?.stop();
  await postrider.remove();
  await nats.remove();
  rmSync(dump, { recursive: true, force: true });
});

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

async function send(to: string, octets: number): Promise<string> {
  const mark = randomBytes(8).toString('hex');
  const text = randomBytes(Math.ceil(octets / 2)).toString('hex');
  const body = (text.match(/.{1,70}/g) ?? []).map((line) => `${line}\r\n`).join('');
  const raw = `From: me@example.org\r\nTo: ${to}\r\nSubject: ${mark}\r\n\r\n${body}`;
  await client.sendMail({ envelope: { from: 'me@example.org', to: [to] }, raw });
  sent.set(mark, hashOf(body));
  return mark;
}

interface Summary {
  readonly active: number;
  readonly inFlight: number;
  readonly deferred: number;
  readonly held: number;
}

async function summary(): Promise<Summary> {
  return JSON.parse((await postrider.command('queue', 'summary', '--json')).stdout) as Summary;
}

/** Marks and hashes of what the next hop has got. */
function arrived(): readonly (readonly [mark: string, hash: string])[] {
  return dumpedMails(dump).map((mail) => {
    const text = mail.replaceAll(/\r?\n/g, '\r\n');
    const mark = /^Subject: (\w+)\r$/m.exec(text)?.[1] ?? '';
    // smtp-sink ends each file with an empty line of its own.
    const body = text.slice(text.indexOf('\r\n\r\n', text.indexOf('Subject:')) + 4);
    return [mark, hashOf(body.replace(/\r\n\r\n$/, '\r\n'))];
  });
}

const folderOf = (name: string): string => join(postrider.folder, name);
interface Quarantined {
  readonly shard: string;
  readonly key: string;
  readonly reason: string;
}
async function quarantined(): Promise<readonly Quarantined[]> {
  const { stdout } = await postrider.command('queue', 'quarantine', '--json');
  return (JSON.parse(stdout) as { readonly records: readonly Quarantined[] }).records;
}

let setAside: readonly Quarantined[] = [];
let before: readonly string[] = [];
let heldAfterRestore = 0;

test('a backup while mail comes and goes', async () => {
  const marks = [await send('large@down.test', 3_000_000)];
  for (let n = 0; n < 40; n++) marks.push(await send(`user${n}@down.test`, 3_000));
  await until('them deferred', async () => (await summary()).deferred === marks.length);
  before = marks;
  // A segment that nobody can read.
  const connection = await connect({ servers: [...nats.servers] });
  await connection.jetstream().publish('mta.v1.spool.1.segment', randomBytes(500));
  await connection.close();
  setAside = await until('a record set aside', async () => {
    const records = await quarantined();
    return records.length > 0 && records;
  });
  const load = { on: true };
  const clients = [1, 2, 3].map(async () => {
    while (load.on) await Promise.all([send('here@ok.test', 20_000), send('later@down.test', 2_000)]);
  });
  await until('some load', () => sent.size > marks.length + 20);
  const { code, stdout, stderr } = await postrider.command('cluster', 'backup', folderOf('backup'), '--json');
  load.on = false;
  await Promise.all(clients);
  expect([code, stderr]).toEqual([0, expect.stringMatching(/^CONTENT-1: \d+ message/m)]);
  const told = JSON.parse(stdout) as { shards: readonly string[]; streams: readonly { stream: string }[] };
  expect(told.shards).toEqual(['0', '1']);
  expect(told.streams).toHaveLength(10);
  expect(statSync(join(folderOf('backup'), 'SPOOL-0')).mode & 0o777).toBe(0o600);
});

test('a second one wants a folder of its own', async () => {
  const { code, stderr } = await postrider.command('cluster', 'backup', folderOf('backup'));
  expect([code, stderr]).toEqual([1, expect.stringContaining('is not empty')]);
});

test('it is not restored beside running services, nor into a store that has mail', async () => {
  const running = await postrider.command('cluster', 'restore', folderOf('backup'));
  expect([running.code, running.stderr]).toEqual([
    1,
    expect.stringMatching(/stop these first: .*queue-manager/),
  ]);
  await postrider.stop();
  const full = await postrider.command('cluster', 'restore', folderOf('backup'));
  expect([full.code, full.stderr]).toEqual([1, expect.stringContaining('the store is not empty: ')]);
});

test('a restore that breaks off keeps services from starting, and can be repeated', async () => {
  await nats.wipe();
  await initCluster(postrider);
  cpSync(folderOf('backup'), folderOf('cut'), { recursive: true });
  const spool = join(folderOf('cut'), 'DEFER-1');
  truncateSync(spool, statSync(spool).size - 3);
  const broken = await postrider.command('cluster', 'restore', folderOf('cut'));
  expect([broken.code, broken.stderr]).toEqual([1, expect.stringContaining('no service takes up work')]);
  const child = spawn(process.execPath, [commandLine, 'run', 'queue-manager'], {
    env: { ...process.env, POSTRIDER_CONFIG: postrider.configFile },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  await until('it says what it waits for', () => said.includes('a restore is under way'));
  child.kill('SIGTERM');
  await once(child, 'exit');
});

test('restored, all is on hold', async () => {
  const { code, stdout, stderr } = await postrider.command(
    'cluster',
    'restore',
    folderOf('backup'),
    '--json',
  );
  expect([code, stderr]).toEqual([0, expect.stringMatching(/^shard 1: \d+ mails? on hold/m)]);
  ({ held: heldAfterRestore } = JSON.parse(stdout) as { held: number });
  expect(heldAfterRestore).toBeGreaterThanOrEqual(before.length);
  sink = await startSmtpSink(nextHop, { dumpFolder: dump });
  await postrider.run(services);
  await until('the queue', async () => (await summary()).held === heldAfterRestore);
  expect(await summary()).toMatchObject({ active: 0, inFlight: 0, deferred: 0 });
  const { mails } = JSON.parse((await postrider.command('queue', 'list', '--json')).stdout) as {
    mails: readonly { recipients: readonly { state: { reason?: string } }[] }[];
  };
  expect(mails[0]?.recipients[0]?.state.reason).toContain('restored from a backup of');
  expect(arrived()).toEqual([]);
  expect(await quarantined()).toEqual(setAside);
});

test('released, each mail arrives once and as it was', async () => {
  expect((await postrider.command('queue', 'release', '--all')).code).toBe(0);
  await until('an empty queue', async () => {
    const { active, inFlight, deferred, held } = await summary();
    return active + inFlight + deferred + held === 0;
  });
  const got = arrived();
  const times = new Map<string, number>();
  for (const [mark, hash] of got) {
    times.set(mark, (times.get(mark) ?? 0) + 1);
    expect([mark, hash]).toEqual([mark, sent.get(mark)]);
  }
  expect(before.filter((mark) => times.get(mark) !== 1)).toEqual([]);
  expect([...times.values()].filter((count) => count !== 1)).toEqual([]);
});

test('and the store goes on as any other', async () => {
  const mark = await send('new@down.test', 1_000);
  await until('it there', () => arrived().some(([one]) => one === mark));
  const file = readFileSync(join(folderOf('backup'), 'manifest.json'), 'utf8');
  expect(file).not.toContain('down.test');
});
