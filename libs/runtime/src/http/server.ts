/** The process's HTTP port: small pages for probes, Prometheus and people. */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { Config } from '../config/schema.js';
import { cannotListen } from '../cannot-listen.js';

export interface Page {
  readonly status: number;
  /** A string goes out as it is, with `contentType`; anything else as JSON. */
  readonly body: unknown;
  /** Default for a string: text/plain. */
  readonly contentType?: string;
}

export interface HttpPort {
  /** `http 127.0.0.1:8025`, where it really listens; nothing when switched off. */
  readonly listening: readonly string[];
  close(): Promise<void>;
}

/** @param pageOf the page behind a path without its query; @throws StartError when it can't listen there */
export async function openHttp(
  listen: Config['http']['listen'],
  pageOf: (path: string) => Page | Promise<Page>,
): Promise<HttpPort> {
  if (typeof listen === 'string') return { listening: [], close: () => Promise.resolve() };
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    Promise.resolve(path)
      .then(pageOf)
      .catch((fault: unknown): Page => ({ status: 500, body: { error: String(fault) } }))
      .then((page) => send(response, page))
      .catch(() => response.destroy());
  });
  const host = listen.host.includes(':') ? `[${listen.host}]` : listen.host;
  server.listen(listen.port, listen.host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw cannotListen(`http.listen: ${host}:${listen.port}`, error);
  }
  return { listening: [`http ${host}:${portOf(server) ?? listen.port}`], close: () => close(server) };
}

/** The configuration may say 0. */
function portOf(server: Server): number | undefined {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : undefined;
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}

function send(response: ServerResponse, { status, body, contentType }: Page): void {
  const isText = typeof body === 'string';
  response
    .writeHead(status, { 'content-type': contentType ?? (isText ? 'text/plain' : 'application/json') })
    .end(isText ? body : `${JSON.stringify(body)}\n`);
}
