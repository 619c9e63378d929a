/**
 * HTTP for those who watch the whole system, on the port of its process: `/readyz` all services, `/status` the latest
 * gauge of each instance as JSON, `/metrics` the same for Prometheus.
 * Keeps: gauges of the last seconds.
 */
import { serviceNames, type StatusRecord } from '@postrider/protocol';
import { CertificateWatch } from './certificate-watch.js';
import {
  metricsContentType,
  metricsOf,
  type Page,
  type RunningService,
  type ServiceContext,
  type ServiceDefinition,
} from '@postrider/runtime';

/** Five gauges missed: it is gone. */
const seenWithin = 5_000;

export const service: ServiceDefinition = {
  name: 'admin',
  start: (context) => Promise.resolve(new Admin(context)),
};

interface Seen {
  readonly at: number;
  readonly record: StatusRecord;
}

class Admin implements RunningService {
  readonly #context: ServiceContext;
  readonly #seen = new Map<string, Seen>();
  readonly #certificates: CertificateWatch;
  #watched: { stop(): void } | undefined;

  constructor(context: ServiceContext) {
    this.#context = context;
    this.#certificates = new CertificateWatch(context);
    void this.#follow();
  }

  figures(): Readonly<Record<string, unknown>> {
    return {
      instancesSeen: this.#current().length,
      certificateLeftInSeconds: this.#certificates.left(),
    };
  }

  drain(): Promise<void> {
    this.#watched?.stop();
    this.#certificates.stop();
    return Promise.resolve();
  }

  page(path: string): Page | Promise<Page> | undefined {
    switch (path) {
      case '/readyz': {
        const missing = this.#missing();
        const ready = missing.length === 0;
        return { status: ready ? 200 : 503, body: { ready, missing } };
      }
      case '/status':
        return { status: 200, body: this.#current() };
      case '/metrics':
        return this.#metrics();
      default:
        return undefined;
    }
  }

  async #metrics(): Promise<Page> {
    return { status: 200, body: await metricsOf(this.#current(), true), contentType: metricsContentType };
  }

  async #follow(): Promise<void> {
    const watched = this.#context.bus.watch('mta.status.>');
    this.#watched = watched;
    for await (const { subject, value } of watched)
      this.#seen.set(subject, { at: this.#context.clock.monotonic(), record: value as StatusRecord });
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
