/**
 * Our own server in `<data_dir>/nats`: its credentials and port are made once and found there by the services and
 * the command line; one that outlived its supervisor is ended before the next starts.
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { NatsAddress } from './connect.js';
import { configFile, pidFile, ServerFailed, startNatsServer, type RunningServer } from './start.js';

/** `<data_dir>/nats/connection.json`, mode 0600. */
interface Connection {
  readonly servers: readonly string[];
  readonly user: string;
  readonly password: string;
  /** Never gets smaller: streams hold their share of it from when they were made. */
  readonly maxFileStoreInOctets: number;
}

const user = 'postrider';
const folderOf = (dataDir: string): string => join(resolve(dataDir), 'nats');
const connectionFile = (dataDir: string): string => join(folderOf(dataDir), 'connection.json');

/** SIGTERM; SIGKILL after ten seconds. */
const leftOverEndsWithin = 15_000;
const leftOverAskedFor = 10_000;

/** Where our own server of this data_dir is, running or not; undefined when it never ran. */
export function readConnection(dataDir: string): NatsAddress | undefined {
  const known = stored(dataDir);
  return known && { servers: known.servers, user: known.user, password: known.password };
}

/** Whether our own server of this data_dir was last started to sync before each acknowledgement; undefined: never ours. */
export function ownSyncsAlways(dataDir: string): boolean | undefined {
  const file = configFile(folderOf(dataDir));
  return existsSync(file) ? /^ *sync_interval: always$/m.test(readFileSync(file, 'utf8')) : undefined;
}

/** @throws ServerFailed when the server does not come up; a system error when data_dir can't be written */
export async function startOwnServer(options: {
  readonly dataDir: string;
  readonly binary: string;
  readonly maxFileStoreInOctets: number;
}): Promise<RunningServer> {
  const storeDir = folderOf(options.dataDir);
  mkdirSync(storeDir, { recursive: true, mode: 0o700 });
  chmodSync(storeDir, 0o700);
  await endLeftOver(storeDir);
  const known = stored(options.dataDir);
  const password = known?.password ?? randomBytes(24).toString('base64url');
  const maxFileStoreInOctets = Math.max(options.maxFileStoreInOctets, known?.maxFileStoreInOctets ?? 0);
  const start = (port?: number): Promise<RunningServer> =>
    startNatsServer({
      binary: options.binary,
      storeDir,
      user,
      password,
      maxFileStoreInOctets,
      ...(port === undefined ? {} : { port }),
    });
  const port = known?.servers[0]?.split(':').at(-1);
  const server = await (port === undefined ? start() : start(Number(port)).catch(onFreePort(start)));
  store(options.dataDir, { servers: server.address.servers, user, password, maxFileStoreInOctets });
  return server;
}

/** Clients find it again on the port of last time, unless another program has taken that since. */
const onFreePort =
  (start: () => Promise<RunningServer>) =>
  (error: unknown): Promise<RunningServer> => {
    if (error instanceof ServerFailed && error.message.includes('address already in use')) return start();
    throw error;
  };

function stored(dataDir: string): Connection | undefined {
  const file = connectionFile(dataDir);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Connection) : undefined;
}

/** Readers see the old file or the new one, never half of one. */
function store(dataDir: string, connection: Connection): void {
  const file = connectionFile(dataDir);
  writeFileSync(`${file}.new`, `${JSON.stringify(connection)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Ends a server that still holds this store: its supervisor was killed. */
async function endLeftOver(storeDir: string): Promise<void> {
  const file = pidFile(storeDir);
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8'));
  const start = Date.now();
  if (isOurs(pid, storeDir)) send(pid, 'SIGTERM');
  while (isOurs(pid, storeDir)) {
    const waited = Date.now() - start;
    if (waited > leftOverEndsWithin)
      throw new ServerFailed(`a nats-server of an earlier start (pid ${pid}) does not end`);
    if (waited > leftOverAskedFor) send(pid, 'SIGKILL');
    await pause(25);
  }
}

/** Its command line names our settings: a pid alone may have been given to another program. */
function isOurs(pid: number, storeDir: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(configFile(storeDir));
  } catch {
    return false;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended between the look and the signal.
  }
}
