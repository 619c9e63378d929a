/**
 * A whole Postrider as an operator runs it: the built command line in a folder of its own, with one configuration
 * file. Used by the end-to-end tests and the bench.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from '@postrider/testing';
import { processTree, type ProcessFigures } from './process-figures.js';

export interface RunningPostrider {
  readonly folder: string;
  readonly configFile: string;
  readonly port: number;
  /** All that it has printed so far. */
  output(): string;
  processes(): readonly ProcessFigures[];
  /** Pids of the processes whose name holds this, such as `queue-manager` or `nats-server`. */
  pidsOf(name: string): readonly number[];
  /** Runs `postrider …` beside it with the same configuration. */
  command(...words: readonly string[]): Promise<CommandResult>;
  /** SIGTERM to the supervisor. @returns its exit code */
  stop(): Promise<number | null>;
  /** `kill -9` of every process at once. */
  killAll(): Promise<void>;
  /** Starts again in the same folder, after `stop` or `killAll`. */
  start(): Promise<void>;
  /** Stops what runs and removes the folder. */
  remove(): Promise<void>;
}

export interface PostriderOptions {
  /** Of the listener; a free one without it. */
  readonly port?: number;
  /** Listeners besides `mx`, in YAML: `submission: { role: submission, listen: ["127.0.0.1:2587"] }`. */
  readonly listeners?: readonly string[];
  /** By name, beside the configuration. */
  readonly files?: Readonly<Record<string, string>>;
  /** Of `postrider standalone`. */
  readonly flags?: readonly string[];
}

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export { freePort };

export const commandLine = fileURLToPath(new URL('../../services/cli/bin/postrider.js', import.meta.url));

/**
 * @param settings lines of YAML besides `data_dir` and the listener
 */
export async function startPostrider(
  settings: readonly string[],
  { port, listeners = [], files = {}, flags = [] }: PostriderOptions = {},
): Promise<RunningPostrider> {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-'));
  const configFile = join(folder, 'postrider.yaml');
  const listenPort = port ?? (await freePort());
  const own = [
    'data_dir: ./var',
    `listeners: { ${[`mx: { role: mx, listen: ["127.0.0.1:${listenPort}"] }`, ...listeners].join(', ')} }`,
    'http: { listen: "" }',
  ];
  writeFileSync(configFile, `${[...own, ...settings].join('\n')}\n`);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  let said = '';
  const launch = (): Promise<ChildProcess> => launched(configFile, flags, (text) => (said += text));
  let child = await launch();
  const running = (): boolean => child.exitCode === null && child.signalCode === null;
  const processes = (): readonly ProcessFigures[] => (running() ? processTree(child.pid ?? 0) : []);
  const postrider: RunningPostrider = {
    folder,
    configFile,
    port: listenPort,
    output: () => said,
    processes,
    pidsOf: (name) => processes().flatMap((process) => (process.name.includes(name) ? [process.pid] : [])),
    command: (...words) => runCommand(configFile, words),
    async stop() {
      if (!running()) return child.exitCode;
      child.kill('SIGTERM');
      const [code] = (await once(child, 'exit')) as [number | null];
      return code;
    },
    async killAll() {
      const exit = once(child, 'exit');
      // The supervisor first: it would start the others again.
      for (const { pid } of [...processes()].sort((a, b) => a.pid - b.pid)) kill(pid);
      await exit;
    },
    async start() {
      child = await launch();
    },
    async remove() {
      await postrider.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return postrider;
}

async function launched(
  configFile: string,
  flags: readonly string[],
  said: (text: string) => void,
): Promise<ChildProcess> {
  const child = spawn(process.execPath, [commandLine, 'standalone', '--config', configFile, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  await new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said(text);
        output = (output + text).slice(-20_000);
        if (output.includes('postrider: ready')) resolve();
      });
    }
    child.once('exit', (code) =>
      reject(new Error(`postrider ended with ${code} before it was ready:\n${output}`)),
    );
  });
  return child;
}

export function runCommand(
  configFile: string,
  words: readonly string[],
  input?: string,
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [commandLine, ...words],
      { env: { ...process.env, POSTRIDER_CONFIG: configFile }, timeout: 60_000, maxBuffer: 64 * 1024 * 1024 },
      (_, stdout, stderr) => resolve({ code: child.exitCode ?? 1, stdout, stderr }),
    );
    child.stdin?.end(input);
  });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
