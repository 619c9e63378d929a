/**
 * HTTP for those who watch: `/livez` this process, `/readyz` the system, `/status` the latest gauge of each instance as JSON.
 * Keeps: gauges of the last seconds.
 */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { serviceNames, type StatusRecord } from '@postrider/protocol';
import {
  StartError,
  type RunningService,
  type ServiceContext,
  type ServiceDefinition,
} from '@postrider/runtime';

/** Five gauges missed: it is gone. */
const seenWithin = 5_000;

export const service: ServiceDefinition = {
  name: 'admin',
  async start(context) {
    const admin = new Admin(context);
    await admin.start();
    return admin;
  },
};

interface Seen {
  readonly at: number;
  readonly record: StatusRecord;
}

interface Answer {
  readonly status: number;
  readonly value: unknown;
}

class Admin implements RunningService {
  readonly #context: ServiceContext;
  readonly #seen = new Map<string, Seen>();
  #server: Server | undefined;
  #watched: { stop(): void } | undefined;

  constructor(context: ServiceContext) {
    this.#context = context;
  }

  get listening(): readonly string[] {
    const { listen } = this.#context.config.http;
    return typeof listen === 'string' ? [] : [`http ${listen.host}:${this.port ?? listen.port}`];
  }

  async start(): Promise<void> {
    void this.#follow();
    const { listen } = this.#context.config.http;
    if (typeof listen === 'string') return;
    const server = createServer((request, response) => send(response, this.#answer(request.url ?? '/')));
    server.listen(listen.port, listen.host);
    try {
      await once(server, 'listening');
    } catch (error) {
      throw cannotListen(`${listen.host}:${listen.port}`, error);
    }
    this.#server = server;
  }

  /** Where it really listens: the configuration may say 0. */
  get port(): number | undefined {
    const address = this.#server?.address();
    return typeof address === 'object' && address !== null ? address.port : undefined;
  }

  figures(): Readonly<Record<string, unknown>> {
    return { instancesSeen: this.#current().length };
  }

  async drain(): Promise<void> {
    this.#watched?.stop();
    const server = this.#server;
    if (!server) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }

  async #follow(): Promise<void> {
    const watched = this.#context.bus.watch('mta.status.>');
    this.#watched = watched;
    for await (const { subject, value } of watched)
      this.#seen.set(subject, { at: this.#context.clock.monotonic(), record: value as StatusRecord });
  }

  #answer(url: string): Answer {
    switch (url.split('?')[0]) {
      case '/livez':
        return { status: 200, value: { live: true } };
      case '/readyz': {
        const missing = this.#missing();
        const ready = missing.length === 0;
        return { status: ready ? 200 : 503, value: { ready, missing } };
      }
      case '/status':
        return { status: 200, value: this.#current() };
      default:
        return { status: 404, value: { error: 'there is /livez, /readyz and /status' } };
    }
  }

  /** Services of which no ready instance has been heard lately; all of them while NATS is away. */
  #missing(): readonly string[] {
    const ready = new Set(this.#current().flatMap((record) => (record.ready ? [record.service] : [])));
    return serviceNames.filter((name) => !ready.has(name));
  }

  #current(): readonly StatusRecord[] {
    const since = this.#context.clock.monotonic() - seenWithin;
    for (const [subject, { at }] of this.#seen) if (at < since) this.#seen.delete(subject);
    return [...this.#seen.values()].map(({ record }) => record);
  }
}

function send(response: ServerResponse, { status, value }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(value)}\n`);
}

function cannotListen(where: string, error: unknown): StartError {
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: 'is taken by another program',
    EACCES: 'needs the right to use ports below 1024, or another port',
    EADDRNOTAVAIL: 'is no address of this machine',
  };
  return new StartError(`http.listen: ${where} ${reasons[code] ?? `can't be listened on (${code})`}`);
}
