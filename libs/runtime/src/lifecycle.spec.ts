import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { connectBus, type Bus } from '@postrider/bus';
import { findNatsServer, startOwnServer, type RunningServer } from '@postrider/nats-server';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

const program = fileURLToPath(new URL('../dist/lifecycle.fixture.js', import.meta.url));

let folder: string;
let nats: RunningServer;
let bus: Bus;
const children: ChildProcess[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postrider-run-'));
  const { binary } = await findNatsServer({ fetch: true });
  nats = await startOwnServer({
    dataDir: join(folder, 'var'),
    binary,
    maxFileStoreInOctets: 2 * 1024 * 1024 * 1024,
  });
  bus = await connectBus({ address: nats.address, name: 'spec', version: '0' });
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});
afterAll(async () => {
  await bus.close();
  await nats.stop();
  rmSync(folder, { recursive: true });
});

interface Running {
  readonly child: ChildProcess;
  readonly file: string;
  output(): string;
  said(text: string): Promise<void>;
  readonly exit: Promise<string>;
  readonly news: unknown[];
}

/** @param settings lines of YAML; @param more of the environment; @param supervised with an IPC channel */
function start(settings: string, more: Readonly<Record<string, string>> = {}, supervised = false): Running {
  const file = join(folder, `${children.length}-${Math.random().toString(36).slice(2)}.yaml`);
  const preset = 'data_dir: var\nspool: { max_size: 64MiB }\nlog: { format: json }\nhttp: { listen: "" }\n';
  writeFileSync(file, preset + settings);
  const child = spawn(process.execPath, [program], {
    stdio: ['ignore', 'pipe', 'pipe', ...(supervised ? (['ipc'] as const) : [])],
    env: { ...process.env, POSTRIDER_CONFIG: file, ...more },
  });
  children.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text));
  const news: unknown[] = [];
  if (supervised) child.on('message', (message) => news.push(message));
  // Not 'close': it never comes once the parent has closed the IPC channel.
  const ends = [child.stdout, child.stderr].map((stream) => once(stream!, 'close'));
  const exit = once(child, 'exit').then(async ([code, signal]) => {
    await Promise.all(ends);
    return String(code ?? signal);
  });
  return {
    child,
    file,
    news,
    exit,
    output: () => output,
    said: async (text) => {
      while (!output.includes(text)) {
        if (child.exitCode !== null) throw new Error(`it ended without '${text}':\n${output}`);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
  };
}

test('ready, a gauge each second, SIGTERM: ingress drains first, exit 0', async () => {
  const gauges = bus.watch('mta.status.smtp-ingress.>');
  const running = start('');
  await running.said('"msg":"ready"');
  for await (const { value } of gauges) {
    expect(value).toMatchObject({ service: 'smtp-ingress', ready: true, mails: 7, configurationsRefused: 0 });
    break;
  }
  gauges.stop();
  running.child.kill('SIGTERM');
  expect(await running.exit).toBe('0');
  expect(running.output()).toMatch(/smtp-ingress drains\nqueue-manager drains\n/);
});

test('cut off at shutdown_timeout', async () => {
  const running = start('shutdown_timeout: 300ms\n', { FAKE_SERVICE: 'hangs' });
  await running.said('"msg":"ready"');
  running.child.kill('SIGINT');
  expect(await running.exit).toBe('1');
  expect(running.output()).toContain('cut off');
});

test('a second signal quits at once', async () => {
  const running = start('', { FAKE_SERVICE: 'hangs' });
  await running.said('"msg":"ready"');
  running.child.kill('SIGINT');
  await running.said('smtp-ingress drains');
  await new Promise((resolve) => setTimeout(resolve, 300));
  running.child.kill('SIGINT');
  expect(await running.exit).toBe('130');
});

test('the supervisor hears that it is ready; when it dies, the process drains', async () => {
  const running = start('', { POSTRIDER__LOG__LEVEL: 'debug' }, true);
  await running.said('"msg":"ready"');
  expect(running.news).toEqual([
    {
      news: 'ready',
      listening: ['queue-manager 127.0.0.1:1', 'smtp-ingress 127.0.0.1:1'],
      instance: expect.stringMatching(/^[A-Za-z0-9-]+-[0-9]+-[0-9a-f]{4}$/) as unknown,
    },
  ]);
  running.child.disconnect();
  expect(await running.exit).toBe('0');
  expect(running.output()).toContain('queue-manager drains');
});

test('what the operator must mend: one line, exit 1, and what had started drains', async () => {
  const alone = start('', { FAKE_SERVICE: 'refuses' });
  expect(await alone.exit).toBe('1');
  expect(alone.output()).toContain('\npostrider: listeners.mx: port 25 is taken\n');
  expect(alone.output()).toContain('queue-manager drains');
  const supervised = start('', { FAKE_SERVICE: 'refuses' }, true);
  expect(await supervised.exit).toBe('1');
  expect(supervised.output()).not.toContain('port 25');
  expect(supervised.news).toEqual([{ news: 'failed', text: 'listeners.mx: port 25 is taken', exitCode: 1 }]);
});

test('a wrong configuration: each problem a line, exit 2', async () => {
  const running = start('bogus: 1\nlog: { level: loud }\n');
  expect(await running.exit).toBe('2');
  // The file's own log key is the second one.
  expect(running.output()).toMatch(
    /^postrider: .*\.yaml:6: the key 'log' stands here for the second time\n$/,
  );
});

test.each([
  ['faults', 'the disk is on fire', 'smtp-ingress drains'],
  ['throws', 'nobody took it', 'a fault that nobody took'],
])('a service that %s: logged, exit 1', async (behaviour, text, then) => {
  const running = start('', { FAKE_SERVICE: behaviour });
  expect(await running.exit).toBe('1');
  expect(running.output()).toContain(text);
  expect(running.output()).toContain(then);
});

test('an exit loses no line of the log, however many were just written', async () => {
  const running = start('', { FAKE_SERVICE: 'talks' });
  expect(await running.exit).toBe('3');
  const lines = running.output().match(/"line":\d+/g) ?? [];
  expect(lines.at(-1)).toBe('"line":5000');
  expect(lines).toHaveLength(5_000);
});

test('hot keys reach the services after SIGHUP', async () => {
  const running = start('');
  await running.said('"msg":"ready"');
  writeFileSync(
    running.file,
    'data_dir: var\nspool: { max_size: 64MiB }\nlog: { format: json }\nhttp: { listen: "" }\nroutes: { a.test: mx }\n',
  );
  running.child.kill('SIGHUP');
  await running.said('smtp-ingress reconfigured * a.test');
  writeFileSync(running.file, 'routes: 5\n');
  await running.said('bad configuration: the old one stays in force');
  running.child.kill('SIGTERM');
  expect(await running.exit).toBe('0');
});

test('NATS that is not there is waited for, and the wait can be ended', async () => {
  const running = start('hostname: mx.example.org\nnats: { servers: ["127.0.0.1:1"] }\n');
  await running.said('waiting for NATS');
  running.child.kill('SIGTERM');
  expect(await running.exit).toBe('0');
});

test('no server was ever started: said at once', async () => {
  const running = start('', { POSTRIDER__DATA_DIR: join(folder, 'nowhere') });
  expect(await running.exit).toBe('1');
  expect(running.output()).toContain("'postrider standalone' starts one");
});

test('probes and metrics: before NATS, ready, in a drain', async () => {
  const address = `127.0.0.1:${await freePort()}`;
  const http = { POSTRIDER__HTTP__LISTEN: address };
  const get = async (path: string): Promise<string> => {
    const response = await fetch(`http://${address}${path}`);
    return `${response.status} ${await response.text()}`;
  };
  const waiting = start('hostname: mx.example.org\nnats: { servers: ["127.0.0.1:1"] }\n', http);
  await waiting.said('waiting for NATS');
  expect(await get('/livez')).toMatch(/^200 /);
  expect(await get('/readyz')).toMatch(/^503 .*not connected to NATS yet/);
  expect(await get('/metrics')).toContain('postrider_ready{service="smtp-ingress"} 0\n');
  waiting.child.kill('SIGTERM');
  await waiting.exit;

  const running = start('shutdown_delay: 5s\n', http);
  await running.said('"msg":"ready"');
  expect(await get('/readyz')).toMatch(/^200 /);
  expect(await get('/metrics')).toContain('postrider_ready{service="queue-manager"} 1\n');
  running.child.kill('SIGTERM');
  while ((await get('/readyz')).startsWith('200')) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(await get('/readyz')).toMatch(/^503 .*draining/);
  expect(await get('/livez')).toMatch(/^200 /);
  expect(running.output()).not.toContain('drains');
  expect(await running.exit).toBe('0');
  expect(running.output()).toContain('smtp-ingress drains');
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
