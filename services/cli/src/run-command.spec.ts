/** Commands without a running system: what makes no sense is 2 before anything is asked, what is away is 1. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@postrider/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { commands } from './commands/index.js';
import { runCommand } from './run-command.js';

let folder: string;
let nothingRuns: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'postrider-cli-'));
  nothingRuns = join(folder, 'nothing-runs.yaml');
  writeFileSync(nothingRuns, 'data_dir: ./var\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

let stdout = '';
let stderr = '';
beforeEach(() => {
  [stdout, stderr] = ['', ''];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((stdout += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((stderr += String(text)), true));
  vi.stubEnv('POSTRIDER_CONFIG', nothingRuns);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

test.each([
  ['no-such-command'],
  ['help no-such-command'],
  ['queue --nonsense'],
  ['queue frobnicate'],
  ['queue show'],
  ['queue retry'],
  ['queue hold'],
  ['queue release'],
  ['queue delete --all'],
  ['queue delete --yes'],
  ['queue list --state gone'],
  ['queue list --limit many'],
  ['trace'],
  ['trace you@example.org --since yesterday'],
  ['events --since 10'],
  ['events --service no-such-service'],
  ['send'],
  ['route'],
  ['route test nobody'],
  ['config'],
  ['demo nonsense'],
  ['demo crash --rounds none'],
  ['install-sendmail'],
  ['run'],
  ['standalone --nonsense'],
  ['config check more'],
  ['trace you@example.org more'],
  ['trace neither'],
  ['send --to nobody'],
  ['send --to you@example.org --from nobody'],
  ['access check --client nowhere --from a@b.test --to a@b.test'],
  ['access check --client 192.0.2.1 --from a@b.test --to a@b.test --listener none'],
])('%s: usage, exit 2', async (line) => {
  expect(await runCommand(line.split(' '))).toBe(2);
  expect(stderr).toMatch(/^postrider: .+/);
  if (!line.includes('no-such-command')) expect(stderr).toMatch(/^postrider: .+\nusage: postrider /);
  expect(stdout).toBe('');
});

test.each([
  'queue list',
  'queue retry --all',
  'trace you@example.org',
  'events',
  'send --to you@example.org',
])('%s with nothing running: one line that says what to do, exit 1', async (line) => {
  expect(await runCommand(line.split(' '))).toBe(1);
  expect(stderr).toBe(
    `postrider: nothing runs with data_dir ${folder}/var: start it with 'npm start', or name its --config\n`,
  );
});

test('a NATS that does not answer: one line with its name, exit 1', async () => {
  const file = join(folder, 'away.yaml');
  const server = `127.0.0.1:${await freePort()}`;
  writeFileSync(
    file,
    `hostname: mx.example.org\nlocal: { deliver: "lmtp://127.0.0.1:24" }\nnats: { servers: ["${server}"] }\n`,
  );
  expect(await runCommand(['queue', 'list', '--config', file])).toBe(1);
  expect(stderr).toMatch(
    new RegExp(`^postrider: NATS at ${server} does not answer \\(.+\\): is Postrider running\\?\\n$`),
  );
});

test('what the host refuses is one line, exit 1', async () => {
  expect(await runCommand(['install-sendmail', nothingRuns])).toBe(1);
  expect(stderr).toMatch(/^postrider: EEXIST: .+\n$/);
});

test('a wrong configuration: every problem on a line, exit 2', async () => {
  const file = join(folder, 'wrong.yaml');
  writeFileSync(file, 'hostnme: x\nlimits: { message_size: 50 }\n');
  expect(await runCommand(['config', 'check', '--config', file])).toBe(2);
  expect(stderr.trimEnd().split('\n')).toHaveLength(2);
  expect(await runCommand(['config', 'check', '--json', '--config', file])).toBe(2);
  const { ok, problems } = JSON.parse(stdout) as {
    readonly ok: boolean;
    readonly problems: readonly string[];
  };
  expect(ok).toBe(false);
  expect(problems).toHaveLength(2);
});

test('a file to send that is not there: one line, exit 1', async () => {
  expect(await runCommand(['send', '--to', 'you@example.org', join(folder, 'none')])).toBe(1);
  expect(stderr).toMatch(/^postrider: can't read .*none: .+\n$/);
});

test('route test without a running system tells the rule, and that the rest was not asked', async () => {
  expect(await runCommand(['route', 'test', 'you@example.org'])).toBe(0);
  expect(stdout).toContain('rule *');
  expect(stdout).toContain('not asked: nothing runs');
});

test.each(['config check', 'config show', 'config show --origin', 'route test you@localhost'])(
  '%s --json is one JSON value',
  async (line) => {
    expect(await runCommand([...line.split(' '), '--json'])).toBe(0);
    expect(JSON.parse(stdout)).toBeTypeOf('object');
  },
);

test('help lists every command, and each has its own', async () => {
  expect(await runCommand([])).toBe(0);
  for (const form of commands.flatMap(({ synopsis }) => synopsis)) expect(stdout).toContain(form);
  for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(110);
});

test.each(commands)('$name has its own help, which --help shows, too', async ({ name, synopsis }) => {
  expect(await runCommand(['help', name])).toBe(0);
  expect(stdout).toContain(`usage: postrider ${synopsis[0]}`);
  for (const form of synopsis) expect(stdout).toContain(form);
  const shown = stdout;
  for (const flag of ['--help', '-h']) {
    stdout = '';
    expect(await runCommand([name, flag])).toBe(0);
    expect(stdout).toBe(shown);
  }
});

test('--version', async () => {
  expect(await runCommand(['--version'])).toBe(0);
  expect(stdout).toMatch(/^postrider [0-9.]+\n$/);
});
