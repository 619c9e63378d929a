/**
 * What a test's nameserver says of each name, and the answer that follows from it, as a recursive nameserver gives
 * it: CNAMEs followed, NXDOMAIN and NODATA with an SOA record (RFC 1034 §4.3.2, RFC 2308 §2).
 */
import type { Answer, RecordType } from 'dns-packet';

export interface NameRecords {
  /** Preference and exchange; `[0, '.']` alone is a null MX (RFC 7505). */
  readonly mx?: readonly (readonly [preference: number, exchange: string])[];
  readonly a?: readonly string[];
  readonly aaaa?: readonly string[];
  readonly cname?: string;
  readonly txt?: readonly string[];
  readonly ptr?: readonly string[];
  /** Seconds; of negative answers too. Default 60. */
  readonly ttl?: number;
  /** Instead of an answer. */
  readonly rcode?: 'SERVFAIL' | 'REFUSED' | 'NXDOMAIN';
  /** Over UDP only the TC bit (RFC 7766 §5). */
  readonly truncated?: boolean;
  /** Milliseconds before the answer. */
  readonly delay?: number;
  /** No answer at all. */
  readonly silent?: boolean;
  /** Goes out before the answer: octets as they are, and answers with a wrong id or another question. */
  readonly forged?: readonly ('wrong-id' | 'wrong-question' | Uint8Array)[];
}

/** By name in lower case, no final dot; a name that isn't there does not exist (NXDOMAIN). */
export type Records = Readonly<Record<string, NameRecords>>;

export interface Lookup {
  readonly rcode: number;
  readonly answers: readonly Answer[];
  readonly authorities: readonly Answer[];
}

/** RFC 1035 §4.1.1. */
export const rcodes = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, REFUSED: 5 } as const;

const defaultTtl = 60;
/** A loop of CNAMEs is cut here, as real nameservers do. */
const cnamesFollowed = 8;

export function lookUp(records: ReadonlyMap<string, NameRecords>, name: string, type: RecordType): Lookup {
  const answers: Answer[] = [];
  let owner = name;
  for (let links = 0; links <= cnamesFollowed; links++) {
    const entry = records.get(owner.toLowerCase());
    if (entry === undefined)
      return { rcode: rcodes.NXDOMAIN, answers, authorities: [soa(owner, defaultTtl)] };
    if (entry.rcode !== undefined)
      return { rcode: rcodes[entry.rcode], answers, authorities: [soa(owner, entry.ttl ?? defaultTtl)] };
    if (entry.cname === undefined || type === 'CNAME') {
      const own = recordsOf(entry, owner, type);
      answers.push(...own);
      return {
        rcode: rcodes.NOERROR,
        answers,
        authorities: own.length > 0 ? [] : [soa(owner, entry.ttl ?? defaultTtl)],
      };
    }
    answers.push({ type: 'CNAME', name: owner, ttl: entry.ttl ?? defaultTtl, data: entry.cname });
    owner = entry.cname;
  }
  return { rcode: rcodes.SERVFAIL, answers: [], authorities: [] };
}

function recordsOf(entry: NameRecords, name: string, type: RecordType): Answer[] {
  const ttl = entry.ttl ?? defaultTtl;
  switch (type) {
    case 'A':
      return (entry.a ?? []).map((data) => ({ type, name, ttl, data }));
    case 'AAAA':
      return (entry.aaaa ?? []).map((data) => ({ type, name, ttl, data }));
    case 'CNAME':
      return entry.cname === undefined ? [] : [{ type, name, ttl, data: entry.cname }];
    case 'PTR':
      return (entry.ptr ?? []).map((data) => ({ type, name, ttl, data }));
    case 'TXT':
      return (entry.txt ?? []).map((data) => ({ type, name, ttl, data }));
    case 'MX':
      return (entry.mx ?? []).map(([preference, exchange]) => ({
        type,
        name,
        ttl,
        data: { preference, exchange },
      }));
    default:
      return [];
  }
}

function soa(name: string, ttl: number): Answer {
  const data = {
    mname: 'ns.test',
    rname: 'hostmaster.test',
    serial: 1,
    refresh: 3600,
    retry: 600,
    expire: 86400,
    minimum: ttl,
  };
  return { type: 'SOA', name, ttl, data };
}
