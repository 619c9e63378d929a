/** Mail comes out at the address of an egress proxy (RFC 1928, RFC 1929), and waits while that refuses. */
import { spawn, type ChildProcess } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { freePort, startPostrider, type RunningPostrider } from '../running-postrider.js';
import { dumpedMails, dumpFolder, ended, startSmtpSink, type CountingSink } from '../smtp-sink.js';
import { until } from './maildirs.js';
import { isInstalled, swaks, testWith } from './peers.js';

const test = testWith('microsocks', 'smtp-sink', 'swaks');

let postrider: RunningPostrider;
let sink: CountingSink;
let proxy: ChildProcess | undefined;
const folder = dumpFolder();
const egress = '127.0.0.77';
const password = 'correct horse';

beforeAll(async () => {
  if (!isInstalled('microsocks')) return;
  sink = await startSmtpSink(await freePort(), { dumpFolder: folder });
  const port = await freePort();
  proxy = spawn(
    'microsocks',
    ['-i', '127.0.0.1', '-p', String(port), '-u', 'mta', '-P', password, '-b', egress],
    { stdio: 'ignore' },
  );
  postrider = await startPostrider(
    [
      'hostname: postrider.example.org',
      `routes: { "*": "smtp://127.0.0.1:${sink.port}" }`,
      'queue: { retry: { first: 1s, max: 2s } }',
      `outbound: { proxy: "socks5://mta@127.0.0.1:${port}", proxy_password_file: ./password }`,
    ],
    { files: { password: 'wrong\n' } },
  );
});
afterAll(async () => {
  if (!proxy) return;
  await postrider.remove();
  await ended(proxy);
  await sink.stop();
  rmSync(folder, { recursive: true });
});

const doctor = async (): Promise<string> => {
  const { stdout } = await postrider.command('doctor', '--json', '--try', `127.0.0.1:${sink.port}`);
  const findings = JSON.parse(stdout) as readonly { check: string; text: string }[];
  return findings.find(({ check }) => check === 'port 25 out')?.text ?? '';
};

test('a proxy that refuses us delays the mail, and the queue says why; doctor goes the same way', async () => {
  expect((await swaks(postrider.port, '--to', 'far@away.test', '--from', 'me@localhost')).code).toBe(0);
  const why = await until('the reason', async () => {
    const { stdout } = await postrider.command('trace', 'far@away.test');
    return stdout.includes('SOCKS5 proxy') && stdout;
  });
  expect(why).toMatch(/SOCKS5 proxy 127\.0\.0\.1:[0-9]+: .*[Aa]uthentication failed/);
  expect(await doctor()).toMatch(/SOCKS5 proxy .*[Aa]uthentication failed/);
  expect(dumpedMails(folder)).toEqual([]);
});

test('with the password, read anew at each connection, mail comes out at the address of the proxy', async () => {
  writeFileSync(join(postrider.folder, 'password'), `${password}\n`);
  const mail = await until('the mail in the sink', () => dumpedMails(folder)[0]);
  expect(mail).toContain(`X-Client-Addr: ${egress}\n`);
  expect(await doctor()).toMatch(/^127\.0\.0\.1:[0-9]+ answers; from SOCKS5 proxy/);
});

test('an exchanger that is not there is told of as such', async () => {
  const refused = await postrider.command('doctor', '--json', '--try', `127.0.0.1:${await freePort()}`);
  expect(refused.stdout).toMatch(/SOCKS5 proxy .*ConnectionRefused/);
});
