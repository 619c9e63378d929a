/** Runs nats-server as ours: JetStream with an fsync before each acknowledgement, on loopback. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { NatsAddress } from './connect.js';
import { findNatsServer } from './find.js';
import { serverSettings } from './server-settings.js';
import { isAtLeast, oldestVersion, pinnedVersion, versionOf } from './version.js';

/**
 * GOGC: half of what Go adds to its heap before it collects: half the memory while a large mail passes (62 to 31-41 MiB for
 * one of 50 MB), at no cost that the bench shows. GOMAXPROCS: on two processors, which the server shares with all who ask
 * it, a second thread of it mostly looks for work; with one the bench has up to a tenth more mails/s. With more
 * processors Go's own rule stays, also where a container may use only two of them. What is set outside counts before both.
 */
const goRuntime = { GOGC: '50', ...(availableParallelism() <= 2 ? { GOMAXPROCS: '1' } : {}) };

export interface StartOptions {
  /** Found by findNatsServer when absent. */
  readonly binary?: string;
  /** JetStream's files, the configuration and the log stand here; made with mode 0700. */
  readonly storeDir: string;
  /** A free one when absent. */
  readonly port?: number;
  readonly user?: string;
  readonly password?: string;
  /** JetStream's room on disk, octets; the server's own choice when absent. */
  readonly maxFileStoreInOctets?: number;
  readonly name?: string;
}

export interface RunningServer {
  readonly address: NatsAddress;
  readonly port: number;
  readonly pid: number;
  readonly version: string;
  /** Where the server logs. */
  readonly logFile: string;
  /** Resolves when the process has ended, however; never rejects. */
  readonly exited: Promise<void>;
  /** SIGTERM and wait; SIGKILL after 10 s. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): void;
}

/** A binary that is no server, or too old, or a server that did not come up; one line that says why. */
export class ServerFailed extends Error {}

/** Recovery of a large store takes a while before the server listens. */
const answersWithin = 60_000;
const stopsWithin = 10_000;

/** @throws ServerFailed, with what the server said last when it does not come up */
export async function startNatsServer(options: StartOptions): Promise<RunningServer> {
  const binary = options.binary ?? (await findNatsServer({ fetch: true })).binary;
  const version = await checkedVersion(binary);
  const storeDir = resolve(options.storeDir);
  const logFile = join(storeDir, 'server.log');
  const child = launch(binary, storeDir, serverSettings({ ...options, storeDir, logFile }));
  const exited = ended(child).then(() => rmSync(pidFile(storeDir), { force: true }));
  try {
    const port = await portOf(child, storeDir);
    const pid = child.pid ?? 0;
    writeFileSync(pidFile(storeDir), `${pid}\n`, { mode: 0o600 });
    return {
      address: { servers: [`127.0.0.1:${port}`], ...credentials(options) },
      port,
      pid,
      version,
      logFile,
      exited,
      stop: () => stop(child, exited),
      kill: () => void child.kill('SIGKILL'),
    };
  } catch (error) {
    child.kill('SIGKILL');
    await exited;
    const reason = error instanceof Error ? error.message : String(error);
    throw new ServerFailed(`nats-server did not come up: ${lastLine(logFile) ?? reason} (log: ${logFile})`, {
      cause: error,
    });
  }
}

export const pidFile = (storeDir: string): string => join(resolve(storeDir), 'nats-server.pid');
export const configFile = (storeDir: string): string => join(resolve(storeDir), 'nats-server.conf');

async function checkedVersion(binary: string): Promise<string> {
  const version = await versionOf(binary);
  if (version === undefined) throw new ServerFailed(`${binary} is no nats-server that runs here`);
  if (!isAtLeast(version, oldestVersion))
    throw new ServerFailed(
      `${binary} is nats-server ${version}, too old: ${oldestVersion} at least, ${pinnedVersion} best`,
    );
  return version;
}

function credentials({ user, password }: StartOptions): { user?: string; password?: string } {
  return user === undefined ? {} : { user, password: password ?? '' };
}

function launch(binary: string, storeDir: string, settings: string): ChildProcess {
  mkdirSync(storeDir, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(storeDir).filter(isPortsFile)) rmSync(join(storeDir, name), { force: true });
  writeFileSync(configFile(storeDir), settings, { mode: 0o600 });
  chmodSync(configFile(storeDir), 0o600);
  // What it says before its log is open: an error in the settings.
  const output = openSync(join(storeDir, 'server.out'), 'w', 0o600);
  try {
    // A group of its own: Ctrl-C on the terminal must not reach it before the services have written what they hold.
    return spawn(binary, ['--config', configFile(storeDir)], {
      stdio: ['ignore', output, output],
      detached: true,
      env: { ...goRuntime, ...process.env },
    });
  } finally {
    closeSync(output);
  }
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise((end) => {
    child.once('exit', () => end());
    child.once('error', () => end());
  });
}

/** The server's own record of where it listens is right also when the port was its choice. */
async function portOf(child: ChildProcess, storeDir: string): Promise<number> {
  let failed: Error | undefined;
  child.once('error', (error) => (failed = error));
  const end = Date.now() + answersWithin;
  for (;;) {
    if (failed) throw failed;
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(readFileSync(join(storeDir, 'server.out'), 'utf8').trim() || 'it ended without a word');
    if (Date.now() > end) throw new Error(`no answer within ${answersWithin / 1000} s`);
    const port = writtenPort(storeDir, child.pid);
    if (port !== undefined && (await greets(port))) return port;
    await pause(15);
  }
}

const isPortsFile = (name: string): boolean => name.endsWith('.ports');

/** `<name of the binary>_<pid>.ports`: `{"nats":["nats://127.0.0.1:4222"]}`. */
function writtenPort(storeDir: string, pid: number | undefined): number | undefined {
  const name = readdirSync(storeDir).find((file) => file.endsWith(`_${pid ?? 0}.ports`));
  if (name === undefined) return undefined;
  const port = /"nats:\/\/127\.0\.0\.1:([0-9]+)"/.exec(readFileSync(join(storeDir, name), 'utf8'))?.[1];
  return port === undefined ? undefined : Number(port);
}

/** The server speaks first: `INFO {...}`. */
async function greets(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    const [greeting] = (await once(socket, 'data', { signal: AbortSignal.timeout(1000) })) as [Buffer];
    return greeting.toString('latin1').startsWith('INFO ');
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

async function stop(child: ChildProcess, exited: Promise<void>): Promise<void> {
  const late = setTimeout(() => child.kill('SIGKILL'), stopsWithin);
  child.kill('SIGTERM');
  await exited;
  clearTimeout(late);
}

/** Why the server gave up, without its time stamp and process id. */
function lastLine(logFile: string): string | undefined {
  if (!existsSync(logFile)) return undefined;
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n');
  const fatal = lines.slice(-20).findLast((line) => line.includes('[FTL]') || line.includes('[ERR]'));
  return fatal?.replace(/^.*?\[(?:FTL|ERR)\] /, '');
}
