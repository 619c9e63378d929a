/**
 * Queries and responses (RFC 1035 §4). A response is believed only when it answers the question that was asked
 * (RFC 5452 §9.1); whatever octets come, reading them gives a value.
 */
import {
  decode,
  encode,
  RECURSION_DESIRED,
  type Answer as ResourceRecord,
  type DecodedPacket,
} from 'dns-packet';
import type { Answer, MxRecord, QueryType, RecordData } from '../answer.js';

export interface Question<T extends QueryType = QueryType> {
  readonly id: number;
  /** Lower case. */
  readonly name: string;
  readonly type: T;
}

export type Reading<T extends QueryType> =
  /** Not an answer to this question: someone else's, or a forged one. Go on waiting. */
  | { readonly reading: 'stranger' }
  | { readonly reading: 'truncated' }
  /** The server does not know EDNS (RFC 6891 §7): ask without. */
  | { readonly reading: 'no-edns' }
  /** This server can't say; another may. */
  | { readonly reading: 'failure'; readonly text: string }
  /** The answer ends with a CNAME that the server did not follow. */
  | { readonly reading: 'alias'; readonly target: string }
  | { readonly reading: 'answer'; readonly answer: Answer<T> };

/** Fits into any path's MTU without fragments (DNS flag day 2020; RFC 9715 §3 comes to 1400, we stay below). */
const udpPayloadOctets = 1232;
/** More records of one name than anybody needs; the rest of such an answer is not looked at. */
const recordsRead = 100;
/** Links of a chain of CNAMEs within one answer; a loop ends here. */
export const cnamesFollowed = 8;
/** RFC 2181 §8: a TTL with its highest bit set is 0. */
const longestTtlInSeconds = 2 ** 31 - 1;

const rcodeNames: Readonly<Record<number, string>> = {
  1: 'FORMERR',
  2: 'SERVFAIL',
  4: 'NOTIMP',
  5: 'REFUSED',
};
const noError = 0;
const formErr = 1;
const nxDomain = 3;
const notImp = 4;

export function encodeQuery(question: Question, edns: boolean): Buffer {
  return encode({
    type: 'query',
    id: question.id,
    flags: RECURSION_DESIRED,
    questions: [{ name: question.name, type: question.type, class: 'IN' }],
    additionals: edns ? [optRecord()] : [],
  });
}

const optRecord = (): ResourceRecord => ({
  type: 'OPT',
  name: '.',
  udpPayloadSize: udpPayloadOctets,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
});

/** @param transport a TCP response can't be forged blindly, and isn't truncated */
export function readResponse<T extends QueryType>(
  octets: Buffer,
  question: Question<T>,
  transport: 'udp' | 'tcp',
): Reading<T> {
  if (octets.length < 2 || octets.readUInt16BE(0) !== question.id) return { reading: 'stranger' };
  const packet = decoded(octets);
  if (packet === undefined) return { reading: 'failure', text: 'a response that can not be read' };
  if (!packet.flag_qr) return { reading: 'stranger' };
  const rcode = (packet.flags ?? 0) & 0xf;
  // RFC 6891 §7: such a server may leave the question out.
  if (rcode === formErr || rcode === notImp) return { reading: 'no-edns' };
  if (!asks(packet, question)) return { reading: 'stranger' };
  if (packet.flag_tc && transport === 'udp') return { reading: 'truncated' };
  if (rcode !== noError && rcode !== nxDomain)
    return { reading: 'failure', text: rcodeNames[rcode] ?? `response code ${rcode}` };
  return read(packet, question, rcode === nxDomain);
}

function decoded(octets: Buffer): DecodedPacket | undefined {
  try {
    return decode(octets);
  } catch {
    return undefined;
  }
}

function asks(packet: DecodedPacket, { name, type }: Question): boolean {
  const [asked, ...others] = packet.questions ?? [];
  return others.length === 0 && asked?.type === type && asked.name.toLowerCase() === name;
}

function read<T extends QueryType>(
  packet: DecodedPacket,
  { name, type }: Question<T>,
  missing: boolean,
): Reading<T> {
  const answers = (packet.answers ?? []).slice(0, recordsRead);
  const chain = followCnames(answers, name);
  if (chain === undefined) return { reading: 'failure', text: 'a loop of CNAMEs' };
  const own = answers.filter((record) => record.type === type && sameName(record.name, chain.end));
  const records = own.flatMap((record) => recordData(record, type));
  if (records.length > 0) {
    const seconds = Math.min(chain.ttl, ...own.map(ttlOf));
    return { reading: 'answer', answer: { kind: 'records', records, ttl: seconds * 1000 } };
  }
  const soa = (packet.authorities ?? []).find((record) => record.type === 'SOA');
  if (chain.end !== name && !missing && soa === undefined) return { reading: 'alias', target: chain.end };
  const ttl = Math.min(chain.ttl, negativeTtl(soa)) * 1000;
  return { reading: 'answer', answer: { kind: missing ? 'nxdomain' : 'nodata', ttl } };
}

/** Where the chain of CNAMEs from a name ends, and the shortest TTL on the way; undefined: it does not. */
function followCnames(
  answers: readonly ResourceRecord[],
  name: string,
): { readonly end: string; readonly ttl: number } | undefined {
  let end = name;
  let ttl = longestTtlInSeconds;
  for (let links = 0; links <= cnamesFollowed; links++) {
    const link = answers.find((record) => record.type === 'CNAME' && sameName(record.name, end));
    if (link?.type !== 'CNAME') return { end, ttl };
    end = link.data.toLowerCase();
    ttl = Math.min(ttl, ttlOf(link));
  }
  return undefined;
}

/** RFC 2308 §5: the smaller of the SOA's own TTL and its MINIMUM; an answer without SOA is not kept. */
function negativeTtl(soa: ResourceRecord | undefined): number {
  return soa?.type === 'SOA' ? Math.min(ttlOf(soa), soa.data.minimum ?? 0) : 0;
}

function ttlOf(record: ResourceRecord): number {
  const ttl = 'ttl' in record ? (record.ttl ?? 0) : 0;
  return ttl > longestTtlInSeconds ? 0 : ttl;
}

const sameName = (a: string, b: string): boolean => a.toLowerCase() === b;

function recordData<T extends QueryType>(record: ResourceRecord, type: T): RecordData[T][] {
  const data = record.type === 'MX' ? mxRecord(record.data) : 'data' in record ? record.data : undefined;
  // The record is of the type that was asked for, so its data are that type's.
  return record.type === type ? [data as RecordData[T]] : [];
}

const mxRecord = (data: {
  readonly preference?: number | undefined;
  readonly exchange: string;
}): MxRecord => ({
  preference: data.preference ?? 0,
  exchange: data.exchange === '.' ? '' : data.exchange.toLowerCase(),
});
