/**
 * The dns-resolver actor. Receives `locate`, `resolve` and `reverse`; gives exchangers with addresses, from the cache or from
 * the nameservers; keeps nothing of its own, the cache belongs to the process.
 */
import type { Behaviour, Clock } from '@postrider/actor';
import type { dnsResolver, LocateAnswer } from '@postrider/protocol';
import type { LookUp } from './answer.js';
import type { AnswerCache } from './cache.js';
import type { DnsEvents } from './events.js';
import { locate, resolve, type Surroundings } from './locate.js';
import { reverse } from './reverse.js';
import type { Settings } from './settings.js';
import type { SystemFiles } from './system-files.js';

export interface ResolverOptions {
  readonly cache: AnswerCache;
  readonly events: DnsEvents;
  readonly system: SystemFiles;
  /** Those in force now. */
  readonly settings: () => Settings;
  readonly clock: Clock;
}

export function resolver(options: ResolverOptions): Behaviour<(typeof dnsResolver)['messages']> {
  return () => ({
    handlers: {
      locate: ({ domain }) => located(options, domain, locate),
      resolve: ({ host }) => located(options, host, resolve),
      reverse: ({ address }) =>
        reverse(address, async (name, type) => (await options.cache.lookUp(name, type)).answer),
    },
  });
}

async function located(
  { cache, events, system, settings, clock }: ResolverOptions,
  name: string,
  find: (name: string, around: Surroundings) => Promise<LocateAnswer>,
): Promise<LocateAnswer> {
  const start = clock.monotonic();
  const uncached: string[] = [];
  const lookUp: LookUp = async (host, type) => {
    const cached = await cache.lookUp(host, type);
    if (cached.asked) uncached.push(host);
    return cached.answer;
  };
  const { families, servers } = settings();
  // The search list belongs to the system's nameservers; our own know full names.
  const search = servers.length > 0 ? { search: [], ndots: 1 } : system.resolvConf();
  const answer = await find(name, { lookUp, families, hosts: system.hosts(), search });
  if (uncached.length > 0) events.located(name, answer, clock.monotonic() - start);
  return answer;
}
