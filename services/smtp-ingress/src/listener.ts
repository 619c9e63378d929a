/** Takes connections on the configured addresses, up to a limit for the process, and ends their sessions at shutdown. */
import { createServer, type Server, type Socket } from 'node:net';
import { Networks } from '@postrider/mail';
import { cannotListen, type Config, type Listener } from '@postrider/runtime';
import { renderReply } from '@postrider/smtp';
import { listenerAuth, type Authentication, type ListenerAuth } from './auth/listener-auth.js';
import type { Ingress } from './ingress.js';
import { serveConnection, type ConnectionWatcher } from './session/connection.js';
import { tooManyConnections } from './session/replies.js';
import { clientLimits, type ClientLimits } from './policy/client-limits.js';
import { roles, type Role } from './roles.js';
import { ofSession, withOwn, type Settings } from './settings.js';
import type { Session } from './session/session.js';
import { tlsOf, type TlsServer } from './tls/index.js';

type ListenAddress = Listener['listen'][number];

/** Connections that wait until they are accepted; the kernel may allow fewer. */
const backlog = 4096;

/** What all connections of one listener share. */
interface ListenerOptions {
  readonly name: string;
  readonly role: Role;
  readonly tls?: TlsServer;
  readonly auth?: ListenerAuth;
  /** Balancers; undefined for none. */
  readonly proxyFrom: Networks | undefined;
  readonly xclientFrom: Networks;
  readonly clients: ClientLimits;
  readonly ownLimits: Listener['limits'];
  readonly watcher: ConnectionWatcher;
  /** Now. */
  connections: number;
  limits?: OwnLimits;
}

/** Those of all with its own over them: worked out once for a configuration, not for each connection. */
interface OwnLimits {
  readonly ofAll: Settings['limits'];
  readonly own: Settings['limits'];
}

export class Listeners {
  /** `smtp 127.0.0.1:2525` */
  readonly listening: string[] = [];
  readonly #ingress: Ingress;
  readonly #servers: Server[] = [];
  readonly #sessions = new Set<Session>();
  /** More than sessions: some clients have not closed yet. */
  #connections = 0;
  #draining = false;
  #drained: (() => void) | undefined;
  readonly #tls = new Map<string, TlsServer>();
  readonly #dataDir: string;
  readonly #authentication: Authentication | undefined;
  /** @param authentication absent where no listener offers AUTH */
  constructor(ingress: Ingress, dataDir: string, authentication: Authentication | undefined) {
    this.#ingress = ingress;
    this.#dataDir = dataDir;
    this.#authentication = authentication;
  }

  /** @throws StartError for what the operator must mend; nothing listens then */
  async open(listeners: Config['listeners']): Promise<void> {
    try {
      for (const [name, listener] of Object.entries(listeners)) {
        const options = this.#optionsOf(name, listener);
        for (const address of listener.listen) await this.#listen(options, address);
      }
    } catch (error) {
      this.#stopListening();
      throw error;
    }
  }

  /** What is left of each certificate, seconds: by `listener`, or `listener/name` for a name's own. Below 0 once it is over. */
  certificatesLeft(): Readonly<Record<string, number>> {
    const now = this.#ingress.clock.now();
    const left = [...this.#tls].flatMap(([listener, { certificatesEnd }]) =>
      [...certificatesEnd].map(([name, end]) => [
        name === '' ? listener : `${listener}/${name}`,
        Math.round((end - now) / 1000),
      ]),
    );
    return Object.fromEntries(left) as Readonly<Record<string, number>>;
  }

  /** Takes no more connections, ends idle sessions, and resolves when the others have ended. */
  async drain(): Promise<void> {
    this.#draining = true;
    this.#stopListening();
    this.#ingress.admission.refuseWaiting();
    if (this.#sessions.size === 0) return;
    const drained = new Promise<void>((resolve) => (this.#drained = resolve));
    for (const session of this.#sessions) session.shutDown();
    await drained;
  }

  #stopListening(): void {
    for (const server of this.#servers) server.close();
    for (const tls of this.#tls.values()) tls.stop();
  }

  #optionsOf(name: string, listener: Listener): ListenerOptions {
    const { role, tls: settings, auth: authSettings } = listener;
    const { log } = this.#ingress;
    const { hostname } = this.#ingress.settings;
    const tls = tlsOf({ listener: name, role, tls: settings, dataDir: this.#dataDir, hostname, log });
    if (tls) this.#tls.set(name, tls);
    const auth = listenerAuth(role, authSettings, this.#authentication);
    const trust = {
      proxyFrom: listener.proxy_from.length === 0 ? undefined : new Networks(listener.proxy_from),
      xclientFrom: new Networks(listener.xclient_from),
    };
    const { per_client: perClient } = listener.limits;
    const clients = perClient
      ? clientLimits(this.#ingress.clock, () => this.#ingress.settings, perClient)
      : this.#ingress.clients;
    const options: ListenerOptions = {
      name,
      role: roles[role],
      ...trust,
      ...(tls ? { tls } : {}),
      ...(auth ? { auth } : {}),
      clients,
      ownLimits: listener.limits,
      watcher: this.#watcherFor(() => options.connections--),
      connections: 0,
    };
    return options;
  }

  #watcherFor(disconnected: () => void): ConnectionWatcher {
    return {
      sessionBegun: (session) => this.#begun(session),
      sessionOver: (session) => this.#over(session),
      disconnected: () => {
        this.#connections--;
        disconnected();
      },
    };
  }

  async #listen(options: ListenerOptions, { host, port }: ListenAddress): Promise<void> {
    const listener = options.name;
    // A client that has sent all may close its side and still wait for our replies.
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#take(socket, options),
    );
    const shown = host.includes(':') ? `[${host}]` : host;
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host, port, backlog }, resolve);
      });
    } catch (error) {
      if (isAbsentIpv6(host, error)) {
        this.#ingress.log.warn({ listener, address: shown }, 'no IPv6 here: not listening there');
        return;
      }
      throw cannotListen(`listeners.${listener}.listen: ${shown}:${port}`, error);
    }
    server.on('error', (error) =>
      this.#ingress.log.error({ listener, error }, 'a connection could not be taken'),
    );
    this.#servers.push(server);
    const bound = server.address();
    this.listening.push(
      `${options.role.shown} ${shown}:${typeof bound === 'object' && bound ? bound.port : port}`,
    );
  }

  #take(socket: Socket, options: ListenerOptions): void {
    const { name, role, tls, auth, proxyFrom, xclientFrom, clients } = options;
    const { settings } = this.#ingress;
    if (this.#connections >= settings.limits.connections || isFull(options)) {
      socket.on('error', () => undefined);
      // In the clear it would be no reply to a client that begins with TLS.
      if (role.tlsAtOnce) socket.destroy();
      else socket.end(renderReply(tooManyConnections(settings.hostname)), () => socket.destroy());
      return;
    }
    this.#connections++;
    options.connections++;
    const common = {
      ingress: this.#ingress,
      listener: name,
      limits: limitsOf(options, settings.limits),
      role,
      xclientFrom,
      clients,
    };
    const facts = auth ? { ...common, auth } : common;
    serveConnection(socket, { facts, proxyFrom, ...(tls ? { tls } : {}) }, options.watcher);
  }

  #begun(session: Session): void {
    const { counts } = this.#ingress;
    this.#sessions.add(session);
    counts.sessions++;
    counts.sessionsTotal++;
    // Its handshake outlasted the drain.
    if (this.#draining) session.shutDown();
  }

  #over(session: Session): void {
    if (this.#sessions.delete(session)) this.#ingress.counts.sessions--;
    if (this.#sessions.size === 0) this.#drained?.();
  }
}

function limitsOf(options: ListenerOptions, ofAll: Settings['limits']): Settings['limits'] {
  if (options.limits?.ofAll !== ofAll)
    options.limits = { ofAll, own: withOwn(ofAll, ofSession(options.ownLimits)) };
  return options.limits.own;
}

const isFull = ({ connections, ownLimits }: ListenerOptions): boolean =>
  ownLimits.connections !== undefined && connections >= ownLimits.connections;

const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined;

/** A machine without IPv6 has no ::1; the default names it. */
function isAbsentIpv6(host: string, error: unknown): boolean {
  return host === '::1' && ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(String(codeOf(error)));
}
