/**
 * Finds nats-server: POSTRIDER_NATS_BINARY, PATH, our cache, the official release, Debian's archive - in this order
 * (DESIGN §6). Only those who may fetch reach the last two.
 */
import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fetchFromDebian } from './fetch-debian.js';
import { fetchRelease } from './fetch-release.js';
import { isAtLeast, oldestVersion, pinnedVersion, versionOf } from './version.js';

export interface FoundServer {
  readonly binary: string;
  readonly version: string;
}

export interface FindOptions {
  /** May the release or Debian's package be fetched? */
  readonly fetch: boolean;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** A line of progress for people. */
  readonly progress?: (text: string) => void;
}

/** No nats-server that will do; the message says what to do. */
export class NoServer extends Error {}

export async function findNatsServer(options: FindOptions): Promise<FoundServer> {
  const environment = options.environment ?? process.env;
  const named = environment['POSTRIDER_NATS_BINARY'];
  if (named !== undefined && named !== '') return namedServer(named);
  const cached = cachedBinary(environment);
  const reasons: string[] = [];
  for (const binary of [...onPath(environment['PATH'] ?? ''), cached]) {
    const version = await versionOf(binary);
    if (version !== undefined && isAtLeast(version, oldestVersion)) return { binary, version };
    if (version !== undefined) reasons.push(`${binary} is ${version}, too old (${oldestVersion} at least)`);
  }
  if (options.fetch) {
    const progress = options.progress ?? (() => undefined);
    for (const fetchServer of [fetchRelease, fetchFromDebian]) {
      try {
        await fetchServer({ target: cached, progress });
        const version = await versionOf(cached);
        if (version !== undefined) return { binary: cached, version };
      } catch (error) {
        reasons.push(error instanceof Error ? error.message : String(error));
      }
    }
  }
  throw new NoServer(
    `no nats-server ${pinnedVersion} found: install it (https://github.com/nats-io/nats-server/releases, or Debian's package ` +
      `nats-server) or name it in POSTRIDER_NATS_BINARY${reasons.map((reason) => `; ${reason}`).join('')}`,
  );
}

async function namedServer(binary: string): Promise<FoundServer> {
  const version = await versionOf(binary);
  if (version === undefined) throw new NoServer(`POSTRIDER_NATS_BINARY: ${binary} is no nats-server that runs here`);
  if (!isAtLeast(version, oldestVersion))
    throw new NoServer(`POSTRIDER_NATS_BINARY: ${binary} is ${version}, too old: ${oldestVersion} at least, ${pinnedVersion} best`);
  return { binary, version };
}

/** `~/.cache/postrider/nats-server/<version>/nats-server`. */
function cachedBinary(environment: Readonly<Record<string, string | undefined>>): string {
  const set = environment['XDG_CACHE_HOME'];
  const cache = set === undefined || set === '' ? join(homedir(), '.cache') : set;
  return join(cache, 'postrider', 'nats-server', pinnedVersion, 'nats-server');
}

function onPath(path: string): string[] {
  return path.split(delimiter).flatMap((folder) => {
    const binary = join(folder, 'nats-server');
    try {
      accessSync(binary, constants.X_OK);
      return folder === '' ? [] : [binary];
    } catch {
      return [];
    }
  });
}
