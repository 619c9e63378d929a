/** Takes connections on the configured addresses, up to a limit for the process, and ends their sessions at shutdown. */
import { createServer, type Server, type Socket } from 'node:net';
import { StartError, type Config, type Listener } from '@postrider/runtime';
import { renderReply } from '@postrider/smtp';
import type { Ingress } from './ingress.js';
import { serveConnection } from './session/connection.js';
import { tooManyConnections } from './session/replies.js';
import type { Session } from './session/session.js';
import { verbs } from './verbs/index.js';

type ListenAddress = Listener['listen'][number];

/** Connections that wait until they are accepted; the kernel may allow fewer. */
const backlog = 4096;

export class Listeners {
  /** `smtp 127.0.0.1:2525` */
  readonly listening: string[] = [];
  readonly #ingress: Ingress;
  readonly #servers: Server[] = [];
  readonly #sessions = new Set<Session>();
  /** More than sessions: some clients have not closed yet. */
  #connections = 0;
  #drained: (() => void) | undefined;

  constructor(ingress: Ingress) {
    this.#ingress = ingress;
  }

  /** @throws StartError for what the operator must mend; nothing listens then */
  async open(listeners: Config['listeners']): Promise<void> {
    try {
      for (const [name, { role, listen }] of Object.entries(listeners)) {
        if (role !== 'mx')
          throw new StartError(`listeners.${name}.role: '${role}' is not offered yet; use mx`);
        for (const address of listen) await this.#listen(name, address);
      }
    } catch (error) {
      for (const server of this.#servers) server.close();
      throw error;
    }
  }

  /** Takes no more connections, ends idle sessions, and resolves when the others have ended. */
  async drain(): Promise<void> {
    for (const server of this.#servers) server.close();
    if (this.#sessions.size === 0) return;
    const drained = new Promise<void>((resolve) => (this.#drained = resolve));
    for (const session of this.#sessions) session.shutDown();
    await drained;
  }

  async #listen(listener: string, { host, port }: ListenAddress): Promise<void> {
    // A client that has sent all may close its side and still wait for our replies.
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#take(socket, listener),
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
    this.listening.push(`smtp ${shown}:${typeof bound === 'object' && bound ? bound.port : port}`);
  }

  #take(socket: Socket, listener: string): void {
    const { settings, counts } = this.#ingress;
    if (this.#connections >= settings.limits.connections) {
      socket.on('error', () => undefined);
      socket.end(renderReply(tooManyConnections(settings.hostname)), () => socket.destroy());
      return;
    }
    const facts = { ingress: this.#ingress, listener, limits: settings.limits, verbs };
    const session = serveConnection(socket, facts, {
      sessionOver: (over) => this.#over(over),
      disconnected: () => this.#connections--,
    });
    if (!session) return;
    this.#connections++;
    this.#sessions.add(session);
    counts.sessions++;
    counts.sessionsTotal++;
  }

  #over(session: Session): void {
    if (this.#sessions.delete(session)) this.#ingress.counts.sessions--;
    if (this.#sessions.size === 0) this.#drained?.();
  }
}

const codeOf = (error: unknown): unknown =>
  error instanceof Error && 'code' in error ? error.code : undefined;

/** A machine without IPv6 has no ::1; the default names it. */
function isAbsentIpv6(host: string, error: unknown): boolean {
  return host === '::1' && ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(String(codeOf(error)));
}

function cannotListen(where: string, error: unknown): StartError {
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return new StartError(`${where} is taken by another program`);
    case 'EACCES':
      return new StartError(`${where} needs the right to use ports below 1024, or another port`);
    case 'EADDRNOTAVAIL':
      return new StartError(`${where} is no address of this machine`);
    default:
      return new StartError(
        `${where} can't be listened on: ${error instanceof Error ? error.message : String(error)}`,
      );
  }
}
