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
    return typeof listen === 'string' ? [] : [`http ${listen.host}:${listen.port}`];
  }

  async start(): Promise<void> {
    void this.#follow();
    const { listen } = this.#context.config.http;
    if (typeof listen === 'string') return;
    const server = createServer((request, response) => this.#answer(request.url ?? '/', response));
    server.listen(listen.port, listen.host);
    try {
      await once(server, 'listening');
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? String(error);
      throw new StartError(
        `http.listen ${listen.host}:${listen.port}: ${code === 'EADDRINUSE' ? 'the port is taken' : code}`,
      );
    }
    this.#server = server;
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

  #answer(url: string, response: ServerResponse): void {
    switch (url.split('?')[0]) {
      case '/livez':
        return send(response, 200, { live: true });
      case '/readyz': {
        const missing = this.#missing();
        return send(response, missing.length === 0 ? 200 : 503, { ready: missing.length === 0, missing });
      }
      case '/status':
        return send(response, 200, this.#current());
      default:
        return send(response, 404, { error: 'there is /livez, /readyz and /status' });
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

function send(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(value)}\n`);
}
