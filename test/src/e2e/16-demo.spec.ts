/** `postrider demo` as a newcomer sees it: every kind of next hop has its story, and Ctrl-C leaves nothing behind. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processTree } from '../process-figures.js';
import { commandLine, runCommand } from '../running-postrider.js';
import { until } from './maildirs.js';
import { swaks, testWith } from './peers.js';

/** The demo puts all that it writes into TMPDIR. */
let folder: string;
let demo: ChildProcess | undefined;
let output = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postrider-test-'));
  output = '';
});
afterEach(() => {
  if (demo?.exitCode === null) for (const pid of treeOf(demo)) process.kill(pid, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

const repository = fileURLToPath(new URL('../../..', import.meta.url));

/** `docker run … demo`, as far as the Dockerfile says it: entry point and environment. */
function ofImage(): { readonly words: readonly string[]; readonly env: Readonly<Record<string, string>> } {
  const text = readFileSync(join(repository, 'k8s/Dockerfile'), 'utf8');
  const words = JSON.parse(/^ENTRYPOINT (\[.*\])$/m.exec(text)?.[1] ?? '[]') as string[];
  const pairs = [...text.matchAll(/^ENV (.*)$/gm)].flatMap(([, line = '']) => line.split(' '));
  return { words, env: Object.fromEntries(pairs.map((pair) => pair.split('=') as [string, string])) };
}

const treeOf = (child: ChildProcess): readonly number[] => processTree(child.pid ?? 0).map(({ pid }) => pid);
const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

function start(
  [program = '', ...words]: readonly string[] = [process.execPath, commandLine],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  // In a process group of its own, so that a signal to the group is what Ctrl-C in a terminal is.
  const child = spawn(program, [...words, 'demo'], {
    cwd: repository,
    detached: true,
    env: { ...process.env, ...env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  return child;
}

async function told(pattern: RegExp): Promise<RegExpExecArray> {
  try {
    return await until(pattern.source, () => pattern.exec(output) ?? undefined, 60_000);
  } catch (error) {
    throw new Error(`not told; the demo printed:\n${output}`, { cause: error });
  }
}

test('deliveries, greylisting, a DSN, a next hop that refuses are told; Ctrl-C ends it all', async () => {
  demo = start();
  const [, configFile = ''] = await told(/export POSTRIDER_CONFIG=(\S+)/);
  await told(/Events, as they happen/);
  for (const domain of ['ok.test', 'slow.test', 'grey.test', 'gone.test', 'down.test']) {
    const words = ['send', '--from', 'me@localhost', '--to', `you@${domain}`];
    expect((await runCommand(configFile, words)).code).toBe(0);
  }
  await told(/relayed .*you@ok\.test/);
  await told(/relayed .*you@slow\.test/);
  await told(/deferred .*you@grey\.test.*451 4\.7\.1 Greylisted/);
  await told(/failed .*you@gone\.test.*550 5\.1\.1/);
  await told(/bounced .*DSN \S+ \(failed\) to me@localhost/);
  await told(/delivered .*me@localhost/);
  await told(/deferred .*you@down\.test.*ECONNREFUSED/);
  await told(/relayed .*you@grey\.test/);

  const pids = treeOf(demo);
  expect(pids.length).toBeGreaterThan(3);
  const stopping = demo;
  process.kill(-(stopping.pid ?? 0), 'SIGINT');
  await until('the end of the demo', () => stopping.exitCode !== null, 10_000);
  expect(stopping.exitCode, output).toBe(0);
  expect(pids.filter(isAlive)).toEqual([]);
  expect(readdirSync(folder)).toEqual([]);
});

test('demo crash: a row for every process, and nothing that was accepted is lost', async () => {
  const { code, stdout } = await new Promise<{ code: number | null; stdout: string }>((resolve) => {
    const child = execFile(
      process.execPath,
      [commandLine, 'demo', 'crash', '--rate', '50', '--rounds', '1'],
      { env: { ...process.env, TMPDIR: folder } },
      (_, out, err) => resolve({ code: child.exitCode, stdout: out + err }),
    );
    demo = child;
  });
  expect(code, stdout).toBe(0);
  const table = stdout.slice(stdout.indexOf('\nkilled ')).trim().split('\n');
  const rows = table.slice(1, 9).map((line) => line.split(/ {2,}/));
  expect(rows.map(([name]) => name)).toEqual([
    'smtp-ingress',
    'queue-manager',
    'outbound-delivery',
    'dns-resolver',
    'alias-expander',
    'nats-server',
    'all at once',
    'total',
  ]);
  for (const row of rows) expect(row.at(-2), row.join(' ')).toBe('0');
  expect(stdout).toContain('Nothing that was accepted is lost.');
  expect(readdirSync(folder)).toEqual([]);
}, 600_000);

testWith('swaks')(
  'as in the image: reached by another address than loopback, and relays for nobody',
  async () => {
    const { words, env } = ofImage();
    demo = start(words, env);
    await told(/Events, as they happen/);
    const [, port = ''] = await told(/listens on 0\.0\.0\.0:([0-9]+)/);
    const send = (to: string) =>
      swaks(0, '--server', '127.0.0.5', '--port', port, '--from', 'me@localhost', '--to', to);
    expect((await send('you@ok.test')).code).toBe(0);
    await told(/relayed .*you@ok\.test/);
    expect((await send('you@elsewhere.test')).output).toMatch(/<\*\* 550 5\.7\.1/);
    const ended = once(demo, 'exit');
    // As `docker stop` does.
    process.kill(demo.pid ?? 0, 'SIGTERM');
    expect((await ended)[0]).toBe(0);
  },
);
