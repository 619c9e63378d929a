/**
 * From a mail domain to its exchangers with their addresses (RFC 5321 §5.1), and from a named host to its addresses.
 * Knows no socket and no clock: it is given a way to look up, and asks what can be asked at once at once.
 */
import { isIP, isIPv4, isIPv6 } from 'node:net';
import type { LocateAnswer, MailExchanger } from '@postrider/protocol';
import type { Answer, LookUp, MxRecord } from './answer.js';
import { queryName } from './names.js';
import type { Hosts, ResolvConf } from './system-files.js';

export interface Surroundings {
  readonly lookUp: LookUp;
  readonly families: readonly (4 | 6)[];
  readonly hosts: Hosts;
  /** How the system completes short names; for named hosts only. */
  readonly search: Pick<ResolvConf, 'search' | 'ndots'>;
}

type Addresses =
  | { readonly kind: 'addresses'; readonly addresses: readonly [string, ...string[]]; readonly ttl: number }
  | { readonly kind: 'none'; readonly ttl: number }
  | { readonly kind: 'temporary'; readonly text: string };

const second = 1_000;
/** What follows from the name alone, or from a file that is read anew. */
const literalTtl = 86_400 * second;
const hostsTtl = 5 * second;
/** The best ones; a domain with more gains nothing, and its zone decides how much we ask (RFC 5321 §5.1 allows it). */
const exchangersAsked = 20;

/** @param domain a mail domain, or an address literal in brackets */
export async function locate(domain: string, around: Surroundings): Promise<LocateAnswer> {
  if (domain.startsWith('[')) return literal(domain, around.families);
  const name = queryName(domain);
  if (name === undefined) return noSuchDomain(`${domain} is not a valid domain name`, literalTtl);
  // RFC 6761 §6.3: no nameserver is asked for localhost.
  if (name === 'localhost') return implicitMx(name, fromHosts(name, around));
  const answer = await around.lookUp(name, 'MX');
  switch (answer.kind) {
    case 'temporary':
      return answer.text === '' ? temporary(`${name} MX: no answer`) : temporary(answer.text);
    case 'nxdomain':
      return noSuchDomain(`domain ${name} does not exist`, answer.ttl);
    case 'nodata':
      return implicitMx(name, await addressesOf(name, around), answer.ttl);
    case 'records':
      return explicitMx(name, answer, around);
  }
}

/** @param host a host name or an address: no MX lookup */
export async function resolve(host: string, around: Surroundings): Promise<LocateAnswer> {
  if (isIP(host) !== 0) return found([{ host, preference: 0, addresses: [host] }], 'named-host', literalTtl);
  const name = queryName(host);
  if (name === undefined) return noSuchDomain(`${host} is not a valid host name`, literalTtl);
  const listed = fromHosts(name, around);
  if (listed.kind === 'addresses' || name === 'localhost') return namedHost(name, listed);
  let last: Addresses = listed;
  for (const candidate of host.endsWith('.') ? [name] : completions(name, around.search)) {
    last = await addressesOf(candidate, around);
    if (last.kind !== 'none') break;
  }
  return namedHost(name, last);
}

/** RFC 5321 §4.1.3; what is in the brackets is an address or it is nothing. */
function literal(text: string, families: readonly (4 | 6)[]): LocateAnswer {
  const inside = /^\[(.*)\]$/.exec(text)?.[1] ?? '';
  const address = /^ipv6:/i.test(inside) ? inside.slice('ipv6:'.length) : inside;
  const valid = address === inside ? isIPv4(address) : isIPv6(address) && !address.includes('%');
  if (!valid)
    return noSuchDomain(`${text} is no address literal: use [192.0.2.1] or [IPv6:2001:db8::1]`, literalTtl);
  if (!families.some((family) => family === isIP(address)))
    return temporary(`${text}: ${isIPv4(address) ? 4 : 6} is not among outbound.families`);
  return found([{ host: address, preference: 0, addresses: [address] }], 'address-literal', literalTtl);
}

async function explicitMx(
  name: string,
  answer: Extract<Answer<'MX'>, { readonly kind: 'records' }>,
  around: Surroundings,
): Promise<LocateAnswer> {
  const [first, ...others] = answer.records;
  // RFC 7505 §3: alone, whatever its preference.
  if (first?.exchange === '' && others.length === 0) return { result: 'null-mx', ttl: answer.ttl };
  const asked = usable(answer.records);
  const located = await Promise.all(
    asked.map(async ({ exchange, preference }) => ({
      host: exchange,
      preference,
      found: await addressesOf(exchange, around),
    })),
  );
  const exchangers: MailExchanger[] = located.flatMap(({ host, preference, found: { kind, ...rest } }) =>
    kind === 'addresses' && 'addresses' in rest ? [{ host, preference, addresses: rest.addresses }] : [],
  );
  const ttl = Math.min(answer.ttl, ...located.map(({ found }) => ('ttl' in found ? found.ttl : answer.ttl)));
  const [head, ...rest] = exchangers;
  if (head !== undefined) return found([head, ...rest], 'mx', ttl);
  const failure = located.map((one) => one.found).find(({ kind }) => kind === 'temporary');
  if (failure?.kind === 'temporary') return temporary(failure.text);
  // RFC 5321 §5.1: MX records of which none is usable are an error; there is no implicit MX then.
  return noSuchDomain(`no mail exchanger of ${name} has an address`, ttl);
}

/** By preference, each host once; targets that are addresses or no names are skipped (RFC 2181 §10.3). */
function usable(records: readonly MxRecord[]): readonly MxRecord[] {
  const hosts = new Map<string, MxRecord>();
  for (const { exchange, preference } of [...records].sort((a, b) => a.preference - b.preference)) {
    const name = queryName(exchange);
    if (name === undefined || isIP(name) !== 0 || hosts.has(name)) continue;
    hosts.set(name, { exchange: name, preference });
  }
  return [...hosts.values()].slice(0, exchangersAsked);
}

function implicitMx(name: string, addresses: Addresses, ttl = Infinity): LocateAnswer {
  switch (addresses.kind) {
    case 'temporary':
      return temporary(addresses.text);
    case 'none':
      return noSuchDomain(
        `domain ${name} has neither a mail exchanger nor an address`,
        Math.min(ttl, addresses.ttl),
      );
    case 'addresses':
      return found(
        [{ host: name, preference: 0, addresses: addresses.addresses }],
        'implicit-mx',
        Math.min(ttl, addresses.ttl),
      );
  }
}

function namedHost(name: string, addresses: Addresses): LocateAnswer {
  switch (addresses.kind) {
    case 'temporary':
      return temporary(addresses.text);
    case 'none':
      return noSuchDomain(`host ${name} has no address`, addresses.ttl);
    case 'addresses':
      return found(
        [{ host: name, preference: 0, addresses: addresses.addresses }],
        'named-host',
        addresses.ttl,
      );
  }
}

/** All families at once; one that failed matters only when the others have nothing. */
async function addressesOf(host: string, { lookUp, families }: Surroundings): Promise<Addresses> {
  const answers = await Promise.all(families.map((family) => lookUp(host, family === 4 ? 'A' : 'AAAA')));
  const known = answers.filter((answer) => answer.kind !== 'temporary');
  const ttl = Math.min(literalTtl, ...known.map((answer) => answer.ttl));
  const [head, ...rest] = known.flatMap((answer) => (answer.kind === 'records' ? answer.records : []));
  if (head !== undefined) return { kind: 'addresses', addresses: [head, ...rest], ttl };
  return answers.find((answer) => answer.kind === 'temporary') ?? { kind: 'none', ttl };
}

function fromHosts(name: string, { hosts, families }: Surroundings): Addresses {
  const all = hosts.get(name) ?? [];
  const [head, ...rest] = families.flatMap((family) => all.filter((address) => isIP(address) === family));
  return head === undefined
    ? { kind: 'none', ttl: hostsTtl }
    : { kind: 'addresses', addresses: [head, ...rest], ttl: hostsTtl };
}

/** resolv.conf(5): a name with fewer dots than `ndots` is looked for under the search domains first. */
function completions(name: string, { search, ndots }: Surroundings['search']): readonly string[] {
  const completed = search.flatMap((domain) => queryName(`${name}.${domain}`) ?? []);
  return name.split('.').length - 1 >= ndots ? [name, ...completed] : [...completed, name];
}

const found = (
  exchangers: readonly [MailExchanger, ...MailExchanger[]],
  source: Extract<LocateAnswer, { readonly result: 'exchangers' }>['source'],
  ttl: number,
): LocateAnswer => ({ result: 'exchangers', exchangers, source, ttl });
const temporary = (text: string): LocateAnswer => ({ result: 'temporary', text });
const noSuchDomain = (text: string, ttl: number): LocateAnswer => ({ result: 'no-such-domain', text, ttl });
