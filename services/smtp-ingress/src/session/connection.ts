/** A socket for a session: reads, writes, TLS, and the time that a client may be silent. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { tlsFactsOf, type TlsServer } from '../tls/index.js';
import type { SessionFacts } from '../verbs/verb.js';
import type { Clock } from '@postrider/actor';
import { mayRelay, unmappedAddress, type Networks } from '@postrider/mail';
import { corkForTurn } from '@postrider/runtime';
import { renderReply, type Reply } from '@postrider/smtp';
import { CountedClient } from '../policy/counted-client.js';
import { readProxyHeader } from './proxied.js';
import { tooManyOf } from './replies.js';
import { Session, type SessionOutput } from './session.js';

/** After our last word: time for the client to read it and close. */
const lingerInMilliseconds = 10_000;

export interface ConnectionOptions {
  readonly facts: Omit<SessionFacts, 'address' | 'counted' | 'tls' | 'offersTls'>;
  /** Balancers, which say for whom they have connected; where there are any, nobody else is served. */
  readonly proxyFrom?: Networks | undefined;
  /** Absent: no TLS here. */
  readonly tls?: TlsServer;
}

export interface ConnectionWatcher {
  sessionBegun(session: Session): void;
  /** The last word has been sent, or there is nobody to hear it. Once or twice. */
  sessionOver(session: Session): void;
  /** The connection is gone. Always, and once. */
  disconnected(): void;
}

export function serveConnection(
  socket: Socket,
  options: ConnectionOptions,
  watcher: ConnectionWatcher,
): void {
  const address = addressOf(socket);
  // Its end comes as 'close'.
  socket.on('error', () => undefined);
  socket.once('close', () => watcher.disconnected());
  if (address === undefined) {
    socket.destroy();
    return;
  }
  if (!options.proxyFrom) serveClient(socket, address, options, watcher);
  else if (options.proxyFrom.has(address))
    readProxyHeader(socket, (client) => serveClient(socket, client ?? address, options, watcher));
  // It came past the balancer, to be taken for another.
  else socket.destroy();
}

function serveClient(
  socket: Socket,
  address: string,
  options: ConnectionOptions,
  watcher: ConnectionWatcher,
): void {
  const { tls } = options;
  const { settings, networks } = options.facts.ingress;
  const counted = new CountedClient(networks, options.facts);
  socket.once('close', () => counted.gone());
  const terms = counted.becomes(address);
  if ('tooManyOf' in terms) {
    turnAway(socket, options, tooManyOf(terms, settings.hostname));
    return;
  }
  const { tlsAtOnce } = options.facts.role;
  const facts = { ...options.facts, ...terms, counted, address, offersTls: tls !== undefined && !tlsAtOnce };
  if (tls && tlsAtOnce)
    tls.secure(socket, (secured) => {
      secured.on('error', () => undefined);
      new Connection(secured, { ...facts, tls: tlsFactsOf(secured) }, { watcher }).begin();
    });
  else {
    new Connection(socket, facts, tls ? { watcher, tls } : { watcher }).begin();
    socket.resume();
  }
}

/** In the clear it would be no reply to a client that begins with TLS. */
function turnAway(socket: Socket, { facts }: ConnectionOptions, reply: Reply): void {
  if (facts.role.tlsAtOnce) socket.destroy();
  else socket.end(renderReply(reply), () => socket.destroy());
}

interface ConnectionContext {
  readonly watcher: ConnectionWatcher;
  /** For STARTTLS. */
  readonly tls?: TlsServer;
}

class Connection implements SessionOutput {
  readonly #session: Session;
  readonly #context: ConnectionContext;
  readonly #silence: number;
  readonly #clock: Clock;
  readonly #greetingDelay: number;
  #socket: Socket;
  #unlisten: () => void = () => undefined;

  constructor(socket: Socket, facts: SessionFacts, context: ConnectionContext) {
    this.#socket = socket;
    this.#context = context;
    this.#silence = facts.limits.command_timeout;
    this.#clock = facts.ingress.clock;
    const { greeting_delay: delay } = facts.limits;
    this.#greetingDelay = delay > 0 && mayRelay(facts.address, facts.ingress.settings.relay) ? 0 : delay;
    this.#session = new Session(facts, this);
  }

  begin(): void {
    this.#listen();
    this.#context.watcher.sessionBegun(this.#session);
    const greet = (): void => this.#session.begin();
    if (this.#greetingDelay > 0) this.#clock.after(this.#greetingDelay, greet);
    else whenRead(greet);
  }

  write(text: string): boolean {
    const socket = this.#socket;
    if (!socket.writable) return true;
    corkForTurn(socket);
    return socket.write(text, 'latin1');
  }

  end(wasAsked: boolean): void {
    // Behind the turn's replies. In TLS the end is a message, too.
    if (wasAsked && !(this.#socket instanceof TLSSocket)) setImmediate(() => this.#closeOrEnd());
    else this.#linger();
  }

  /** Nothing more comes: whatever was written is out, so that the socket can go without a shutdown first. */
  #closeOrEnd(): void {
    if (this.#socket.writableLength === 0) this.#socket.destroy();
    else this.#linger();
  }

  #linger(): void {
    const socket = this.#socket;
    // What the client still sends is read and forgotten: a reset would take our last reply from it.
    socket.setTimeout(lingerInMilliseconds);
    socket.resume();
    socket.end();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  startTls(): void {
    const plain = this.#socket;
    this.#unlisten();
    plain.setTimeout(0);
    plain.uncork();
    const go = (): void => this.#context.tls?.secure(plain, (secured) => this.#secured(secured));
    // The reply is the last that goes out in the clear: it has to be out.
    if (plain.writableLength === 0) go();
    else plain.once('drain', go);
  }

  #secured(socket: TLSSocket): void {
    socket.on('error', () => undefined);
    this.#socket = socket;
    this.#listen();
    this.#session.secured(tlsFactsOf(socket));
  }

  #listen(): void {
    const socket = this.#socket;
    const session = this.#session;
    const over = (): void => this.#context.watcher.sessionOver(session);
    const listeners: readonly (readonly [string, (chunk: Buffer) => void])[] = [
      ['timeout', () => (socket.writableEnded ? socket.destroy() : session.idle())],
      ['data', (chunk) => session.receive(chunk)],
      ['drain', () => session.drained()],
      ['end', () => session.inputEnded()],
      ['finish', over],
    ];
    // One timer for all sockets with the same time, moved on by each read and write.
    socket.setTimeout(this.#silence);
    for (const [event, listener] of listeners) socket.on(event, listener);
    socket.on('close', () => {
      session.disconnected();
      over();
    });
    this.#unlisten = () => {
      for (const [event, listener] of listeners) socket.off(event, listener);
    };
  }
}

/** Once the event loop has read what had come by now: its reading stands between two turns of immediates. */
function whenRead(then: () => void): void {
  setImmediate(() => setImmediate(then));
}

/** IPv4 as IPv4, also when it came to an IPv6 socket. */
const addressOf = ({ remoteAddress }: Socket): string | undefined =>
  remoteAddress === undefined ? undefined : unmappedAddress(remoteAddress);
