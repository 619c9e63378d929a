/**
 * A nameserver for tests and the demo: real packets on UDP and TCP at one loopback port, answers from a table that
 * may change while it runs.
 */
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import {
  decode,
  encode,
  RECURSION_AVAILABLE,
  TRUNCATED_RESPONSE,
  type DecodedPacket,
  type Question,
} from 'dns-packet';
import { lookUp, rcodes, type NameRecords, type Records } from './records.js';

export interface Query {
  /** Lower case. */
  readonly name: string;
  readonly type: string;
  readonly transport: 'udp' | 'tcp';
  /** The asker's port (RFC 5452 §9.2 wants them unforeseeable). */
  readonly port: number;
}

export interface Nameserver {
  readonly host: string;
  readonly port: number;
  /** `host:port`, as `dns.servers` takes it. */
  readonly address: string;
  /** All queries so far, in order. */
  readonly queries: readonly Query[];
  /** Queries for a name, of one type or of all. */
  count(name?: string, type?: string): number;
  /** Changes what is said of a name; undefined: it does not exist. */
  set(name: string, records: NameRecords | undefined): void;
  stop(): Promise<void>;
}

/** Payload that every asker takes (RFC 1035 §4.2.1), unless EDNS says more (RFC 6891 §6.2.3). */
const plainUdpOctets = 512;
/** Tries for a port that is free on UDP and TCP. */
const portsTried = 20;

export async function startNameserver(
  table: Records,
  options: { readonly port?: number } = {},
): Promise<Nameserver> {
  const host = '127.0.0.1';
  const { udp, tcp, port } = await bindBoth(host, options.port ?? 0);
  const records = new Map(Object.entries(table).map(([name, entry]) => [name.toLowerCase(), entry]));
  const queries: Query[] = [];
  const open = new Set<Socket>();
  const respond = (
    octets: Buffer,
    from: Omit<Query, 'name' | 'type'>,
    send: (answer: Buffer) => void,
  ): void => {
    const query = readQuery(octets);
    const question = query?.questions?.[0];
    if (query === undefined || question === undefined) return;
    const name = question.name.toLowerCase();
    queries.push({ name, type: question.type, ...from });
    const entry = records.get(name);
    if (entry?.silent === true) return;
    const sendAll = (): void => answersTo(query, question, records, from.transport).forEach(send);
    if (entry?.delay === undefined) sendAll();
    else setTimeout(sendAll, entry.delay).unref();
  };
  udp.on('message', (octets: Buffer, peer: RemoteInfo) =>
    respond(octets, { transport: 'udp', port: peer.port }, (answer) =>
      udp.send(answer, peer.port, peer.address, () => undefined),
    ),
  );
  tcp.on('connection', (socket) => serveTcp(socket, open, respond));
  return {
    host,
    port,
    address: `${host}:${port}`,
    queries,
    count: (name, type) =>
      queries.filter(
        (q) => (name === undefined || q.name === name) && (type === undefined || q.type === type),
      ).length,
    set: (name, entry) => {
      if (entry === undefined) records.delete(name.toLowerCase());
      else records.set(name.toLowerCase(), entry);
    },
    stop: async () => {
      open.forEach((socket) => socket.destroy());
      await Promise.all([
        new Promise<void>((resolve) => udp.close(() => resolve())),
        new Promise((resolve) => tcp.close(resolve)),
      ]);
    },
  };
}

function readQuery(octets: Buffer): DecodedPacket | undefined {
  try {
    return decode(octets);
  } catch {
    return undefined;
  }
}

/** What goes back, forged packets first. */
function answersTo(
  query: DecodedPacket,
  question: Question,
  records: ReadonlyMap<string, NameRecords>,
  transport: Query['transport'],
): Buffer[] {
  const entry = records.get(question.name.toLowerCase());
  const found = lookUp(records, question.name, question.type);
  const packet = (id: number, asked: Question, truncated: boolean): Buffer =>
    encode({
      type: 'response',
      id,
      flags:
        RECURSION_AVAILABLE |
        (truncated ? TRUNCATED_RESPONSE : 0) |
        (truncated ? rcodes.NOERROR : found.rcode),
      questions: [asked],
      answers: truncated ? [] : [...found.answers],
      authorities: truncated ? [] : [...found.authorities],
    });
  const id = query.id ?? 0;
  const forged = (entry?.forged ?? []).map((kind) => {
    if (kind === 'wrong-id') return packet((id + 1) % 65536, question, false);
    if (kind === 'wrong-question') return packet(id, { ...question, name: 'forged.test' }, false);
    return Buffer.from(kind);
  });
  const whole = packet(id, question, false);
  const fits = transport === 'tcp' || (entry?.truncated !== true && whole.length <= udpOctets(query));
  return [...forged, fits ? whole : packet(id, question, true)];
}

function udpOctets(query: DecodedPacket): number {
  const opt = query.additionals?.find((record) => record.type === 'OPT');
  return opt?.type === 'OPT' ? Math.max(opt.udpPayloadSize, plainUdpOctets) : plainUdpOctets;
}

/** Each message behind its length (RFC 1035 §4.2.2). */
function serveTcp(
  socket: Socket,
  open: Set<Socket>,
  respond: (octets: Buffer, from: { transport: 'tcp'; port: number }, send: (answer: Buffer) => void) => void,
): void {
  open.add(socket);
  let unread = Buffer.alloc(0);
  socket.on('close', () => open.delete(socket));
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    unread = Buffer.concat([unread, chunk]);
    while (unread.length >= 2 && unread.length >= 2 + unread.readUInt16BE(0)) {
      const end = 2 + unread.readUInt16BE(0);
      respond(unread.subarray(2, end), { transport: 'tcp', port: socket.remotePort ?? 0 }, (answer) => {
        const length = Buffer.alloc(2);
        length.writeUInt16BE(answer.length);
        if (socket.writable) socket.write(Buffer.concat([length, answer]));
      });
      unread = unread.subarray(end);
    }
  });
}

async function bindBoth(
  host: string,
  wanted: number,
): Promise<{ readonly udp: UdpSocket; readonly tcp: Server; readonly port: number }> {
  for (let tries = 1; ; tries++) {
    const tcp = createServer();
    tcp.listen(wanted, host);
    await once(tcp, 'listening');
    const address = tcp.address();
    const port = typeof address === 'object' && address !== null ? address.port : wanted;
    const udp = createSocket('udp4');
    try {
      udp.bind(port, host);
      await once(udp, 'listening');
      return { udp, tcp, port };
    } catch (error) {
      udp.close();
      await new Promise((resolve) => tcp.close(resolve));
      if (wanted !== 0 || tries === portsTried) throw error;
    }
  }
}
