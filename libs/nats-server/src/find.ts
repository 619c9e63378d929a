/**
 * Finds nats-server: POSTRIDER_NATS_BINARY, PATH, our cache, the official release, Debian's archive - in this order
 * (DESIGN §6). Only those who may fetch reach the last two. One that is new enough but not the best on PATH stands
 * behind a better one in the cache, and is never a reason to fetch.
 */
import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import { fetchFromDebian } from './fetch-debian.js';
import { fetchRelease } from './fetch-release.js';
import { inOneLine } from './one-line.js';
import { isAtLeast, oldestVersion, pinnedVersion, versionOf } from './version.js';

export interface FoundServer {
  readonly binary: string;
  readonly version: string;
}

export interface FindOptions {
  /** May the release or Debian's package be fetched? */
  readonly fetch: boolean;
  readonly environment?: Environment;
  /** A line of progress for people. */
  readonly progress?: (text: string) => void;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** No nats-server that will do; the message says what to do. */
export class NoServer extends Error {}

/** @throws NoServer */
export async function findNatsServer(options: FindOptions): Promise<FoundServer> {
  const environment = options.environment ?? process.env;
  const named = environment['POSTRIDER_NATS_BINARY'];
  if (named !== undefined && named !== '') return namedServer(named);
  const cached = cachedBinary(environment);
  const reasons: string[] = [];
  const found = await firstThatWillDo([...onPath(environment['PATH'] ?? ''), cached], reasons);
  const server = found ?? (options.fetch ? await fetched(cached, options, reasons) : undefined);
  if (server) return server;
  throw new NoServer(
    `no nats-server found: install version ${pinnedVersion} (github.com/nats-io/nats-server/releases, or the package ` +
      `nats-server of Debian), or name its binary in POSTRIDER_NATS_BINARY` +
      (reasons.length === 0 ? '' : ` (${reasons.join('; ')})`),
  );
}

async function namedServer(binary: string): Promise<FoundServer> {
  const version = await versionOf(binary);
  if (version === undefined)
    throw new NoServer(`POSTRIDER_NATS_BINARY: ${binary} is no nats-server that runs here`);
  if (!isAtLeast(version, oldestVersion))
    throw new NoServer(
      `POSTRIDER_NATS_BINARY: ${binary} is nats-server ${version}, too old: ${oldestVersion} at least, ${pinnedVersion} best`,
    );
  return { binary, version };
}

/** The first of the pinned version or newer, else the first that is new enough. */
async function firstThatWillDo(
  binaries: readonly string[],
  reasons: string[],
): Promise<FoundServer | undefined> {
  let secondBest: FoundServer | undefined;
  for (const binary of binaries) {
    const version = await versionOf(binary);
    if (version === undefined) continue;
    if (isAtLeast(version, pinnedVersion)) return { binary, version };
    if (isAtLeast(version, oldestVersion)) secondBest ??= { binary, version };
    else reasons.push(`${binary} is ${version}, too old: ${oldestVersion} at least`);
  }
  return secondBest;
}

async function fetched(
  target: string,
  options: FindOptions,
  reasons: string[],
): Promise<FoundServer | undefined> {
  const progress = options.progress ?? (() => undefined);
  for (const fetchServer of [fetchRelease, fetchFromDebian]) {
    try {
      await fetchServer({ target, progress });
      const version = await versionOf(target);
      if (version !== undefined) return { binary: target, version };
      reasons.push(`${target} does not run here`);
    } catch (error) {
      reasons.push(inOneLine(error));
    }
  }
  return undefined;
}

/** `~/.cache/postrider/nats-server/<version>/nats-server`. */
function cachedBinary(environment: Environment): string {
  const set = environment['XDG_CACHE_HOME'];
  const cache = set === undefined || set === '' ? join(homedir(), '.cache') : set;
  return join(cache, 'postrider', 'nats-server', pinnedVersion, 'nats-server');
}

function onPath(path: string): string[] {
  const folders = path.split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => resolve(folder, 'nats-server')).filter(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
