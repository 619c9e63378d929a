/**
 * A next hop for tests and the demo: takes mail, counts it by the marker in a header, misbehaves as told. It runs
 * inside the process that tests, or on its own (sink-process.ts) where its CPU time must not count as the tester's.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import { selfSigned } from '@postrider/runtime';
import { RuleBook, type SinkRules } from './rules.js';
import { SinkSession, type SessionSettings } from './session.js';
import { Tally, type ReceivedMail, type SinkReport } from './tally.js';

export interface SinkOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** In the greeting and the reply to EHLO. Default sink.test. */
  readonly name?: string;
  readonly protocol?: 'smtp' | 'lmtp';
  readonly rules?: SinkRules;
  /** EHLO keywords; [] is a server that knows only HELO. Default PIPELINING, SIZE, 8BITMIME, ENHANCEDSTATUSCODES. */
  readonly extensions?: readonly string[];
  /** Offers STARTTLS with a certificate made now. */
  readonly startTls?: boolean;
  /** Octets; mail over it gets 552. */
  readonly sizeLimit?: number;
  /** One more gets 421. */
  readonly mailsPerConnection?: number;
  /** The header field that tells mails apart. Default X-Postrider-Test. */
  readonly markerHeader?: string;
  /** Keeps whole mails in `mails`; otherwise only counts are kept. */
  readonly keepMails?: boolean;
  /** Called for each mail taken, before its reply. */
  readonly taken?: NonNullable<SessionSettings['taken']>;
  /** Called for each new connection, with how many are open then that their clients have not closed. */
  readonly connected?: (open: number) => void;
}

export interface Sink {
  readonly host: string;
  readonly port: number;
  /** Mails taken so far; over LMTP each recipient counts as one. */
  count(): number;
  /** How often each marker came. */
  readonly received: ReadonlyMap<string, number>;
  /** Whole mails in order, with `keepMails`. */
  readonly mails: readonly ReceivedMail[];
  /** Markers that came more than once. */
  duplicates(): ReadonlyMap<string, number>;
  /** Connections so far, and those open now. */
  connections(): { readonly all: number; readonly open: number };
  report(): SinkReport;
  /** Other rules from now on; counts of the old ones are forgotten. */
  behave(rules: SinkRules): void;
  /** Breaks all connections and stops listening; the port is free then. */
  stop(): Promise<void>;
}

/** What Postrider's tests, load and demo put on each mail. */
export const defaultMarkerHeader = 'X-Postrider-Test';
export const usualExtensions: readonly string[] = ['PIPELINING', 'SIZE', '8BITMIME', 'ENHANCEDSTATUSCODES'];

export async function startSink(options: SinkOptions = {}): Promise<Sink> {
  const host = options.host ?? '127.0.0.1';
  const tally = new Tally();
  const sessions = new Set<SinkSession>();
  /** Those that the client has not closed. */
  const open = new Set<SinkSession>();
  let rules = new RuleBook(options.rules ?? {});
  const settings = settingsFrom(options, tally, () => rules);
  const server = createServer({ allowHalfOpen: true }, (socket: Socket) => {
    tally.connections++;
    const session = new SinkSession(socket, tally.connections, settings);
    sessions.add(session);
    open.add(session);
    // A client may have closed one and opened another before we come to look at either.
    setImmediate(() => options.connected?.(open.size));
    socket.once('end', () => open.delete(session));
    socket.once('close', () => {
      sessions.delete(session);
      open.delete(session);
    });
  });
  const port = await listen(server, options.port ?? 0, host);
  return {
    host,
    port,
    count: () => tally.mails,
    received: tally.received,
    mails: tally.kept,
    duplicates: () => tally.duplicates(),
    connections: () => ({ all: tally.connections, open: open.size }),
    report: () => tally.report(),
    behave: (next) => void (rules = new RuleBook(next)),
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      sessions.forEach((session) => session.destroy());
      await closed;
    },
  };
}

function settingsFrom(options: SinkOptions, tally: Tally, rules: () => RuleBook): SessionSettings {
  const name = options.name ?? 'sink.test';
  const extensions = options.extensions ?? usualExtensions;
  return {
    name,
    protocol: options.protocol ?? 'smtp',
    extensions: options.startTls === true ? [...extensions, 'STARTTLS'] : extensions,
    markerHeader: options.markerHeader ?? defaultMarkerHeader,
    keepMails: options.keepMails ?? false,
    rules,
    tally,
    ...(options.startTls === true && { secureContext: createSecureContext(selfSigned([name])) }),
    ...(options.sizeLimit !== undefined && { sizeLimit: options.sizeLimit }),
    ...(options.mailsPerConnection !== undefined && { mailsPerConnection: options.mailsPerConnection }),
    ...(options.taken !== undefined && { taken: options.taken }),
  };
}

async function listen(server: Server, port: number, host: string): Promise<number> {
  server.listen(port, host, 1024);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
  return address.port;
}
