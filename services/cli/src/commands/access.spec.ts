import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { runCommand } from '../run-command.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'postrider-access-'));
  writeFileSync(join(folder, 'access'), '# file\nto=@secret.test reject\nname=.bad.test hold Odd\n');
  writeFileSync(
    join(folder, 'p.yaml'),
    `listeners:
  mx: { role: mx, listen: ['127.0.0.1:2525'] }
  submission: { role: submission, listen: ['127.0.0.1:2587'] }
local: { domains: [ours.test], users: existing }
relay: { networks: [192.0.2.0/24], domains: [relayed.test, .under.test] }
access:
  file: access
  rules:
    - client=198.51.100.0/24 relay
    - to=@partner.test relay
    - from=@moved.test redirect new@ours.test
    - from=@spool.test discard
    - 'from=@odd.test header X-Odd: yes'
    - from=@plain.test accept
`,
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

let stdout = '';
let stderr = '';
beforeEach(() => {
  [stdout, stderr] = ['', ''];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((stdout += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((stderr += String(text)), true));
});
afterEach(() => void vi.restoreAllMocks());

const check = (words: string, config = join(folder, 'p.yaml')): Promise<number> =>
  runCommand(['access', ...words.split(' '), '--config', config]);

test.each([
  ['check --client ::1 --from a@b.test', "say 'check' with"],
  ['check --client mx.b.test --from a@b.test --to c@d.test', 'is an IP address, not'],
  ['check --client ::1 --listener x --from a@b.test --to c@d.test', 'one of mx, submission'],
  ['check --client ::1 --from nobody --to c@d.test', 'addresses'],
  ['check --client ::1 --from a@b.test --to nobody', 'addresses'],
])('access %s: usage, exit 2', async (words, text) => {
  expect(await check(words)).toBe(2);
  expect(stderr).toContain(text);
});

test.each([
  ['bad', 'reject\nnonsense\n', /^postrider: .*bad:2: 'nonsense' is no action/],
  ['none', undefined, /^postrider: access\.file: ENOENT/],
])('a file that is %s: one line, exit 1', async (name, text, problem) => {
  if (text !== undefined) writeFileSync(join(folder, name), text);
  const config = join(folder, `${name}.yaml`);
  writeFileSync(config, `access: { file: ${name} }\n`);
  expect(await check('check --client ::1 --from a@b.test --to c@d.test', config)).toBe(1);
  expect(stderr).toMatch(problem);
});

describe('no rule decides, exit 1: what relay control does, and why', () => {
  test.each([
    ['::1', 'c@Ours.test', 'takes it: ours.test is in local.domains; whether c@ours.test is known there'],
    ['::1', 'c@relayed.test', 'takes it: relayed.test is in relay.domains'],
    ['::1', 'c@x.under.test', 'takes it: x.under.test is in relay.domains'],
    ['192.0.2.1', 'c@d.test', 'takes it: 192.0.2.1 is in relay.networks and may send everywhere'],
    ['192.0.2.1', 'c%d@d.test', 'takes it: 192.0.2.1 is in relay.networks and may send everywhere'],
    ['::1 --identity ann', 'c@d.test', 'takes it: who has authenticated (ann) may send everywhere'],
    [
      '::1 --identity ann --listener submission',
      'c@d.test',
      'takes it: who has authenticated (ann) may send everywhere',
    ],
    [
      '203.0.113.9',
      'c@d.test',
      'refuses it (550 5.7.1): d.test is in neither local.domains nor relay.domains, 203.0.113.9 is not in relay.networks, and it has not authenticated',
    ],
    ['::1', 'c%d@ours.test', "refuses it (550 5.7.1): 'c%d' names a host behind ours (by %, ! or @)"],
  ])('%s to %s', async (client, to, text) => {
    expect(await check(`check --client ${client} --from a@b.test --to ${to}`)).toBe(1);
    expect(stdout).toContain(`no rule of 8 decides\nrelay control ${text}`);
  });
});

test('without rules it is relay control alone', async () => {
  const config = join(folder, 'without.yaml');
  writeFileSync(config, 'version: 1\n');
  expect(await check('check --client 127.0.0.1 --from a@b.test --to c@d.test', config)).toBe(1);
  expect(stdout).toMatch(
    /^there are no access rules\nrelay control takes it: 127\.0\.0\.1 is in relay\.networks/,
  );
});

describe('a rule decides, exit 0: and relay control where it has a say', () => {
  test.each([
    ['::1', '<>', 'c@secret.test', 'access:2: to=@secret.test reject'],
    ['::1', 'a@moved.test', 'c@d.test', 'access.rules[2]: from=@moved.test redirect new@ours.test\n'],
    ['::1', 'a@spool.test', 'c@d.test', 'access.rules[3]: from=@spool.test discard\n'],
    [
      '198.51.100.1',
      'a@b.test',
      'c%d@d.test',
      'access.rules[0]: client=198.51.100.0/24 relay\nrelay control takes it: this rule lets it go anywhere\n',
    ],
    [
      '::1',
      'a@b.test',
      'c@partner.test',
      'access.rules[1]: to=@partner.test relay\nrelay control takes it: this rule lets it go anywhere\n',
    ],
    [
      '::1',
      'a@b.test',
      'c%d@partner.test',
      "access.rules[1]: to=@partner.test relay\nrelay control refuses it (550 5.7.1): 'c%d' names",
    ],
    [
      '::1 --name x.bad.test',
      'a@b.test',
      'c@d.test',
      'access:3: name=.bad.test hold Odd\nrelay control refuses it',
    ],
    ['::1', 'a@odd.test', 'c@ours.test', 'header X-Odd: yes\nrelay control takes it: ours.test is in local'],
    ['::1', 'a@plain.test', 'c@d.test', 'from=@plain.test accept\nrelay control refuses it'],
  ])('%s from %s to %s', async (client, from, to, text) => {
    expect(await check(`check --client ${client} --from ${from} --to ${to}`)).toBe(0);
    expect(stdout).toContain(text);
    if (text.endsWith('\n')) expect(stdout).toBe(text);
  });
});

test('a listener that wants authentication asks no rule before', async () => {
  const words = 'check --client ::1 --listener submission --from a@b.test --to c@secret.test';
  expect(await check(words)).toBe(1);
  expect(stdout).toMatch(/^listener submission refuses MAIL .* \(530 5\.7\.0\), before any rule is asked/);
});

test.each<[string, object]>([
  [
    '--client 192.0.2.1 --from a@b.test --to c@d.test',
    {
      place: null,
      rule: null,
      authenticationRequired: false,
      relayControl: { takes: true, because: 'relay.networks' },
    },
  ],
  [
    '--client ::1 --from a@plain.test --to c@d.test',
    {
      place: 'access.rules[5]',
      rule: 'from=@plain.test accept',
      relayControl: { takes: false, because: 'stranger' },
    },
  ],
  [
    '--client ::1 --from a@b.test --to c@secret.test',
    { place: expect.stringContaining('access:2') as string, relayControl: null },
  ],
  [
    '--client ::1 --listener submission --from a@b.test --to c@d.test',
    { rule: null, authenticationRequired: true, relayControl: null },
  ],
])('--json of %s', async (words, expected) => {
  await check(`check ${words} --json`);
  expect(JSON.parse(stdout)).toMatchObject(expected);
});
