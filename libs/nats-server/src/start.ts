/** Runs nats-server as ours: JetStream with an fsync before each acknowledgement, on loopback. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { NatsAddress } from './connect.js';
import { findNatsServer } from './find.js';
import { serverSettings, type ServerSettings } from './server-settings.js';
import { versionOf } from './version.js';

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
  /** Resolves when the process has ended, however. */
  readonly exited: Promise<void>;
  /** SIGTERM and wait; SIGKILL after 10 s. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): void;
}

/** Recovery of a large store takes a while before the server listens. */
const answersWithin = 60_000;
const stopsWithin = 10_000;

/** @throws one line with what the server said last, when it does not come up */
export async function startNatsServer(options: StartOptions): Promise<RunningServer> {
  const binary = options.binary ?? (await findNatsServer({ fetch: true })).binary;
  const version = (await versionOf(binary)) ?? 'unknown';
  const port = options.port ?? (await freePort());
  mkdirSync(options.storeDir, { recursive: true, mode: 0o700 });
  const configFile = join(options.storeDir, 'nats-server.conf');
  const logFile = join(options.storeDir, 'server.log');
  const settings: ServerSettings = { ...options, port, logFile };
  writeFileSync(configFile, serverSettings(settings), { mode: 0o600 });
  chmodSync(configFile, 0o600);
  const log = openSync(logFile, 'a', 0o600);
  // A group of its own: Ctrl-C on the terminal must not reach it before the services have written what they hold.
  const child = spawn(binary, ['--config', configFile], { stdio: ['ignore', log, log], detached: true });
  const exited = once(child, 'exit').then(() => rmSync(pidFile(options.storeDir), { force: true }));
  await answers(child, port, logFile);
  const pid = child.pid ?? 0;
  writeFileSync(pidFile(options.storeDir), `${pid}\n`, { mode: 0o600 });
  const address = { servers: [`127.0.0.1:${port}`] };
  return {
    address:
      options.user === undefined ? address : { ...address, user: options.user, password: options.password ?? '' },
    port,
    pid,
    version,
    exited,
    stop: () => stop(child, exited),
    kill: () => child.kill('SIGKILL'),
  };
}

export const pidFile = (storeDir: string): string => join(storeDir, 'nats-server.pid');

async function answers(child: ChildProcess, port: number, logFile: string): Promise<void> {
  const failed = once(child, 'error').then(([error]) => {
    throw error as Error;
  });
  failed.catch(() => undefined);
  for (const end = Date.now() + answersWithin; !(await greets(port)); ) {
    if (child.exitCode !== null || child.signalCode !== null || Date.now() > end)
      throw new Error(`nats-server did not come up: ${lastLine(logFile)} (${logFile})`);
    await Promise.race([pause(20), failed]);
  }
}

/** The server speaks first: `INFO {...}`; it does so once JetStream has recovered. */
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
  if (child.exitCode !== null || child.signalCode !== null) return;
  const late = setTimeout(() => child.kill('SIGKILL'), stopsWithin);
  child.kill('SIGTERM');
  await exited;
  clearTimeout(late);
}

function lastLine(logFile: string): string {
  const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n');
  return lines.findLast((line) => line.includes('[FTL]') || line.includes('[ERR]')) ?? lines.at(-1) ?? '';
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no free port on 127.0.0.1');
  return address.port;
}
