/** What the HTTP port of a process says: `/livez`, `/readyz`, `/metrics`, and the pages of its services. */
import { statusRecord, type Bus } from '@postrider/bus';
import type { StatusRecord } from '@postrider/protocol';
import type { RunningService } from '../service.js';
import { version } from '../version.js';
import { metricsContentType, metricsOf } from './metrics.js';
import type { ProcessState } from './readiness.js';
import type { Page } from './server.js';

export interface PagesOptions {
  /** Names of what this process is to run, also before it does. */
  readonly services: readonly string[];
  readonly running: ReadonlyMap<string, RunningService>;
  readonly state: ProcessState;
  /** The process's own figures, in each service's record. */
  readonly own: () => Readonly<Record<string, unknown>>;
}

export class ProcessPages {
  /** Absent before the first connection. */
  bus: Bus | undefined;
  readonly #options: PagesOptions;

  constructor(options: PagesOptions) {
    this.#options = options;
  }

  /** A service's page comes before the process's own: admin answers for the whole system. */
  async at(path: string): Promise<Page> {
    for (const service of this.#options.running.values()) {
      const page = await service.page?.(path);
      if (page) return page;
    }
    switch (path) {
      case '/livez':
        return { status: 200, body: { live: true } };
      case '/readyz': {
        const readiness = this.#options.state.readiness();
        return { status: readiness.ready ? 200 : 503, body: readiness };
      }
      case '/metrics':
        return { status: 200, body: await metricsOf(this.#records()), contentType: metricsContentType };
      default:
        return { status: 404, body: { error: 'there is /livez, /readyz and /metrics' } };
    }
  }

  /** The same that stands on `mta.status.>`. */
  #records(): readonly StatusRecord[] {
    const { services, running, own } = this.#options;
    const { bus } = this;
    return services.map((name) =>
      bus ? bus.status(name, { ...own(), ...running.get(name)?.figures() }) : withoutBus(name, own()),
    );
  }
}

const withoutBus = (service: string, figures: Readonly<Record<string, unknown>>): StatusRecord =>
  statusRecord({ instance: '', version }, service, { ready: false, ...figures });
