/**
 * Our own server in `<data_dir>/nats`: its credentials and port are made once and found there by the services and
 * the command line; one that outlived its supervisor is ended before the next starts.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { NatsAddress } from './connect.js';
import { pidFile, startNatsServer, type RunningServer } from './start.js';

interface Connection {
  readonly servers: readonly string[];
  readonly user: string;
  readonly password: string;
}

const user = 'postrider';
const folderOf = (dataDir: string): string => join(dataDir, 'nats');
const connectionFile = (dataDir: string): string => join(folderOf(dataDir), 'connection.json');

/** Where our own server of this data_dir is, running or not; undefined when it never ran. */
export function readConnection(dataDir: string): NatsAddress | undefined {
  const file = connectionFile(dataDir);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Connection) : undefined;
}

/** @throws when data_dir can't be written or the server does not come up */
export async function startOwnServer(options: {
  readonly dataDir: string;
  readonly binary: string;
  readonly maxFileStoreInOctets: number;
}): Promise<RunningServer> {
  const storeDir = folderOf(options.dataDir);
  mkdirSync(storeDir, { recursive: true, mode: 0o700 });
  await endLeftOver(storeDir);
  const known = readConnection(options.dataDir);
  const password = known?.password ?? randomBytes(24).toString('base64url');
  const port = known?.servers[0] === undefined ? undefined : Number(known.servers[0].split(':').at(-1));
  const start = (at?: number): Promise<RunningServer> =>
    startNatsServer({ ...options, storeDir, user, password, ...(at === undefined ? {} : { port: at }) });
  // The port of last time, so that clients find it again; another program may have taken it since.
  const server = await (port === undefined ? start() : start(port).catch(() => start()));
  writeFileSync(connectionFile(options.dataDir), JSON.stringify({ servers: server.address.servers, user, password }), {
    mode: 0o600,
  });
  return server;
}

/** Ends a server that still holds this store: its supervisor was killed. */
async function endLeftOver(storeDir: string): Promise<void> {
  const file = pidFile(storeDir);
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8'));
  for (const end = Date.now() + 15_000; isOurs(pid, storeDir); await pause(50)) {
    process.kill(pid, Date.now() > end - 5_000 ? 'SIGKILL' : 'SIGTERM');
    if (Date.now() > end) throw new Error(`a nats-server of an earlier start (pid ${pid}) does not end`);
  }
}

/** Its command line names our configuration: a pid alone may have been given to another program. */
function isOurs(pid: number, storeDir: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(join(storeDir, 'nats-server.conf'));
  } catch {
    return false;
  }
}
