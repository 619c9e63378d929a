import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { endings, groups } from './groups.js';

/** Six processes start in each test; how long that takes is the machine's affair. */
vi.setConfig({ testTimeout: 60_000 });

const program = fileURLToPath(new URL('../dist/fake-program.fixture.js', import.meta.url));
const names = groups.map((services) => services.join('+'));

let folder: string;
let started: Standalone[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postrider-standalone-'));
  started = [];
});
afterEach(async () => {
  for (const { child, pids, exit } of started) {
    const all = Object.values(pids());
    child.kill('SIGKILL');
    await exit;
    for (const pid of all) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  }
  rmSync(folder, { recursive: true, maxRetries: 5 });
});

interface Standalone {
  readonly child: ChildProcess;
  readonly exit: Promise<number | null>;
  readonly output: () => string;
  readonly said: (text: string | RegExp) => Promise<void>;
  readonly pids: () => Readonly<Record<string, number>>;
}

function start(
  settings = '',
  environment: Readonly<Record<string, string>> = {},
  flags: readonly string[] = [],
): Standalone {
  const file = join(folder, 'postrider.yaml');
  const preset =
    'spool: { max_size: 64MiB }\nlog: { format: json, level: warn }\ndata_dir: var\nhttp: { listen: "" }\n';
  writeFileSync(file, `${preset}${settings}`);
  const child = spawn(process.execPath, [program, 'standalone', '--config', file, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const standalone: Standalone = {
    child,
    exit: once(child, 'exit').then(([code]) => code as number | null),
    output: () => output,
    said: (text) =>
      until(() => {
        if (child.exitCode !== null) throw new Error(`it ended:\n${output}`);
        return typeof text === 'string' ? output.includes(text) : text.test(output);
      }),
    pids: () => readPids(join(folder, 'var')),
  };
  started.push(standalone);
  return standalone;
}

function readPids(dataDir: string): Readonly<Record<string, number>> {
  const run = join(dataDir, 'run');
  const files = existsSync(run) ? readdirSync(run).map((name) => join(run, name)) : [];
  const nats = join(dataDir, 'nats/nats-server.pid');
  const all = [...files.filter((file) => file.endsWith('.pid')), ...(existsSync(nats) ? [nats] : [])];
  return Object.fromEntries(
    all.flatMap((file) => {
      const pid = readPid(file);
      return pid === undefined ? [] : [[file.slice(file.lastIndexOf('/') + 1, -'.pid'.length), pid]];
    }),
  );
}

/** Undefined while what dies is replaced: its file goes and comes, and is empty for a moment. */
function readPid(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 20));
}

function isAlive(pid: number): boolean {
  try {
    // A zombie has an empty command line.
    return readFileSync(`/proc/${pid}/cmdline`).length > 0;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

const listener = (port: number): string => `listeners: { mx: { listen: ["127.0.0.1:${port}"] } }\n`;

test('every service is in one group, and every group ends', () => {
  expect(endings.flatMap(({ services }) => services).sort()).toEqual(groups.flat().sort());
});

test('starts all, says what it listens on and last that it is ready; SIGTERM ends all in order', async () => {
  const port = await freePort();
  const standalone = start(listener(port));
  await standalone.said(/^postrider: ready$/m);
  expect(standalone.output()).toMatch(
    new RegExp(
      `^postrider: nats-server .*, pid [0-9]+\npostrider: listening: smtp 127\\.0\\.0\\.1:${port}\npostrider: ready\n$`,
    ),
  );
  const pids = standalone.pids();
  expect(Object.keys(pids).sort()).toEqual(['nats-server', 'standalone', ...names].sort());
  for (const part of ['', 'run', 'nats'])
    expect(statSync(join(folder, 'var', part)).mode & 0o777).toBe(0o700);
  standalone.child.kill('SIGTERM');
  expect(await standalone.exit).toBe(0);
  const order = [...standalone.output().matchAll(/^([a-z-]+) drains$/gm)].map(([, name = '']) =>
    endings.findIndex(({ services }) => services.includes(name)),
  );
  expect(order).toHaveLength(groups.flat().length);
  expect(order).toEqual([...order].sort());
  expect(Object.values(pids).filter(isAlive)).toEqual([]);
  expect(standalone.pids()).toEqual({});
});

test('what dies is started again, nats-server on its port', async () => {
  const standalone = start(listener(await freePort()), {}, ['--separate']);
  await standalone.said(/^postrider: ready$/m);
  const connection = readFileSync(join(folder, 'var/nats/connection.json'), 'utf8');
  const before = standalone.pids();
  expect(Object.keys(before).sort()).toEqual(['nats-server', 'standalone', ...groups.flat()].sort());
  for (const name of ['smtp-ingress', 'nats-server', 'queue-manager']) process.kill(before[name]!, 'SIGKILL');
  await until(() => {
    const now = standalone.pids();
    return ['smtp-ingress', 'nats-server', 'queue-manager'].every(
      (name) => now[name] !== undefined && now[name] !== before[name],
    );
  });
  expect(standalone.output()).toContain('postrider: smtp-ingress ended (SIGKILL); started again in 100 ms');
  expect(standalone.output()).toContain('postrider: nats-server ended; started again in 100 ms');
  expect(readFileSync(join(folder, 'var/nats/connection.json'), 'utf8')).toBe(connection);
  expect(standalone.pids()['outbound-delivery']).toBe(before['outbound-delivery']);
  await standalone.said(
    new RegExp(`^queue-manager comes after [^ ]+-${before['queue-manager']}-[0-9a-f]+$`, 'm'),
  );
  standalone.child.kill('SIGTERM');
  expect(await standalone.exit).toBe(0);
});

test('a port that is taken: one line, and all ends', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const standalone = start(listener(port));
  expect(await standalone.exit).toBe(1);
  other.close();
  expect(
    standalone.output().match(/^postrider: listeners\.mx: 127\.0\.0\.1:[0-9]+ is taken$/gm),
  ).toHaveLength(1);
  expect(standalone.output()).not.toContain('started again');
  expect(standalone.pids()).toEqual({});
});

test('a second signal quits at once and leaves nothing', async () => {
  const standalone = start(listener(await freePort()), { FAKE_HANGS: 'smtp-ingress' });
  await standalone.said(/^postrider: ready$/m);
  const pids = standalone.pids();
  standalone.child.kill('SIGINT');
  await standalone.said('smtp-ingress drains');
  await new Promise((resolve) => setTimeout(resolve, 300));
  standalone.child.kill('SIGINT');
  expect(await standalone.exit).toBe(130);
  await until(() => !Object.values(pids).some(isAlive));
});

test('what hangs is cut off within shutdown_timeout', async () => {
  const standalone = start(`shutdown_timeout: 1s\n${listener(await freePort())}`, {
    FAKE_HANGS: 'smtp-ingress',
  });
  await standalone.said(/^postrider: ready$/m);
  standalone.child.kill('SIGTERM');
  expect(await standalone.exit).toBe(0);
  expect(standalone.output()).toContain('queue-manager drains');
});

test('two on one data_dir: the second is refused and does no harm', async () => {
  const standalone = start(listener(await freePort()));
  await standalone.said(/^postrider: ready$/m);
  const pids = standalone.pids();
  const second = start(listener(await freePort()));
  expect(await second.exit).toBe(1);
  expect(second.output()).toContain(`is in use by another postrider (pid ${standalone.child.pid})`);
  expect(standalone.pids()).toEqual(pids);
  expect(Object.values(pids).every(isAlive)).toBe(true);
});

test('a supervisor that was killed: the next one ends what is left and starts all', async () => {
  const settings = listener(await freePort());
  const first = start(settings, { FAKE_HANGS: 'queue-manager' });
  await first.said(/^postrider: ready$/m);
  const before = first.pids();
  first.child.kill('SIGKILL');
  await first.exit;
  const second = start(settings);
  await second.said(/^postrider: ready$/m);
  expect(Object.values(before).filter(isAlive)).toEqual([]);
  expect(Object.values(second.pids()).every(isAlive)).toBe(true);
  second.child.kill('SIGTERM');
  expect(await second.exit).toBe(0);
});

test('a data_dir that can not be', async () => {
  writeFileSync(join(folder, 'var'), 'a file');
  const standalone = start();
  expect(await standalone.exit).toBe(1);
  expect(standalone.output()).toMatch(/^refused: data_dir .*\/var can't be written \(EEXIST\).*\n$/);
});
