/** The system's own settings: /etc/resolv.conf (resolv.conf(5)) and /etc/hosts (hosts(5)), read anew as they change. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { Clock } from '@postrider/actor';
import { dnsPort, type ServerAddress } from './settings.js';

export interface ResolvConf {
  readonly servers: readonly ServerAddress[];
  /** Domains under which a short name is looked for. */
  readonly search: readonly string[];
  /** A name with as many dots is tried as it is first. */
  readonly ndots: number;
}

/** Addresses by name, lower case. */
export type Hosts = ReadonlyMap<string, readonly string[]>;

export interface SystemFiles {
  resolvConf(): ResolvConf;
  hosts(): Hosts;
}

/** glibc's MAXNS: more are ignored. */
const serversUsed = 3;
/** A changed file counts after this at the latest; the files are small. */
const readEvery = 5_000;

export function systemFiles(
  clock: Clock,
  paths = { resolvConf: '/etc/resolv.conf', hosts: '/etc/hosts' },
): SystemFiles {
  return {
    resolvConf: every(clock, () => parseResolvConf(read(paths.resolvConf))),
    hosts: every(clock, () => parseHosts(read(paths.hosts))),
  };
}

function parseResolvConf(text: string): ResolvConf {
  const servers: ServerAddress[] = [];
  let search: readonly string[] = [];
  let ndots = 1;
  for (const line of text.split('\n')) {
    const [keyword = '', ...words] = line.trim().split(/\s+/);
    const [first = ''] = words;
    if (keyword === 'nameserver' && isIP(first) !== 0 && servers.length < serversUsed)
      servers.push({ host: first, port: dnsPort });
    if (keyword === 'domain' || keyword === 'search') search = words;
    if (keyword === 'options') ndots = ndotsIn(words) ?? ndots;
  }
  // resolv.conf(5): without a nameserver, the one on this machine.
  return { servers: servers.length > 0 ? servers : [{ host: '127.0.0.1', port: dnsPort }], search, ndots };
}

function parseHosts(text: string): Hosts {
  const hosts = new Map<string, string[]>([['localhost', []]]);
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (isIP(address) === 0) continue;
    for (const name of names.map((text) => text.toLowerCase())) {
      const addresses = hosts.get(name) ?? [];
      if (!addresses.includes(address)) addresses.push(address);
      hosts.set(name, addresses);
    }
  }
  // RFC 6761 §6.3: localhost is loopback, whatever the file says or doesn't.
  if (hosts.get('localhost')?.length === 0) hosts.set('localhost', ['127.0.0.1', '::1']);
  return hosts;
}

function ndotsIn(words: readonly string[]): number | undefined {
  const option = words.find((word) => /^ndots:[0-9]{1,2}$/.test(word));
  return option === undefined ? undefined : Number(option.slice('ndots:'.length));
}

function every<T>(clock: Clock, readNow: () => T): () => T {
  let kept: { readonly value: T; readonly until: number } | undefined;
  return () => {
    if (kept === undefined || kept.until <= clock.monotonic())
      kept = { value: readNow(), until: clock.monotonic() + readEvery };
    return kept.value;
  };
}

/** A system without such a file is as one with an empty file. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
