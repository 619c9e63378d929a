/** The one lifecycle of all services: connect, start, a gauge each second, configuration reloads, signals, drain. */
import { systemClock } from '@postrider/actor';
import { times } from '@postrider/protocol';
import type { LoadedConfig, LoadOptions } from './config/load.js';
import { configFingerprint } from './config/fingerprint.js';
import type { Config } from './config/schema.js';
import { watchConfig, type ConfigWatch } from './config/watch.js';
import { HeapGrowth } from './heap-growth.js';
import { ProcessPages } from './http/pages.js';
import { ProcessState } from './http/readiness.js';
import { openHttp } from './http/server.js';
import { createLogger, type LeveledLogger } from './logger.js';
import { connectAll, type Nats } from './nats.js';
import { endedInstances, tellSupervisor } from './process-news.js';
import type { RunningService, ServiceContext, ServiceDefinition } from './service.js';
import { listenForSignals } from './signals.js';

const exitCodes = { drained: 0, failed: 1 } as const;

/** Sessions end, then deliveries, whose results the queue's owner still has to write; those who are asked come last. */
const drainOrder: readonly (readonly string[])[] = [
  ['smtp-ingress'],
  ['outbound-delivery'],
  ['queue-manager'],
  ['dns-resolver', 'alias-expander', 'admin'],
];

/** What hangs longer is a server that is away: nothing of ours is left in it. */
const closesWithin = 1_000;

export class RunningProcess {
  readonly #services: readonly ServiceDefinition[];
  readonly #log: LeveledLogger;
  readonly #watch: ConfigWatch;
  readonly #running = new Map<string, RunningService>();
  readonly #state = new ProcessState(() => performance.now());
  readonly #pages: ProcessPages;
  readonly #heapGrowth = new HeapGrowth();
  readonly #stopped: Promise<void>;
  #config: Config;
  #configuration: string;
  #resolveStopped: () => void = () => undefined;
  #stopping = false;
  #fault = false;

  /** @param loadOptions what `loaded` was loaded with, for reloads */
  constructor(services: readonly ServiceDefinition[], loaded: LoadedConfig, loadOptions: LoadOptions) {
    this.#services = services;
    this.#config = loaded.config;
    this.#configuration = configFingerprint(loaded.config);
    this.#log = createLogger(loaded.config.log, { pid: process.pid });
    this.#stopped = new Promise((resolve) => (this.#resolveStopped = resolve));
    for (const warning of loaded.warnings) this.#log.warn({}, warning);
    this.#watch = this.#followConfig(loaded, loadOptions);
    this.#pages = new ProcessPages({
      services: services.map(({ name }) => name),
      running: this.#running,
      state: this.#state,
      own: () => this.#ownFigures(),
    });
  }

  /** @returns the exit code; @throws StartError */
  async run(): Promise<number> {
    this.#endOnFaults();
    const unlisten = listenForSignals({
      stop: () => this.#beginStop(),
      quit: (code) => process.exit(code),
      reload: () => this.#watch.reload(),
    });
    // The supervisor is gone: nobody else would end this process.
    if (process.connected) process.once('disconnect', () => this.#beginStop());
    const name = this.#services.map((service) => service.name).join('+');
    try {
      const http = await openHttp(this.#config.http.listen, (path) => this.#pages.at(path));
      try {
        return await this.#runWith(name, http.listening);
      } finally {
        await http.close();
      }
    } finally {
      this.#watch.stop();
      unlisten();
    }
  }

  async #runWith(name: string, http: readonly string[]): Promise<number> {
    const nats = await connectAll(this.#config, name, { log: this.#log, stopped: () => this.#stopping });
    if (!nats) return exitCodes.drained;
    this.#pages.bus = nats.bus;
    this.#state.natsConnected(nats.bus.connected);
    nats.bus.onConnection((connected) => this.#state.natsConnected(connected));
    return this.#runOn(nats, name, http);
  }

  async #runOn(nats: Nats, name: string, http: readonly string[]): Promise<number> {
    try {
      await this.#startAll(nats);
      this.#state.started();
      const listening = [
        ...[...this.#running.values()].flatMap((service) => service.listening ?? []),
        ...http,
      ];
      // A supervisor says it for all.
      const level = tellSupervisor({ news: 'ready', listening, instance: nats.bus.instance })
        ? 'debug'
        : 'info';
      this.#log[level]({ services: name, listening }, 'ready');
      // At once: a new owner of a shard asks the workers that it has heard of.
      this.#eachSecond(nats);
      const gauge = setInterval(() => this.#eachSecond(nats), times.gauge);
      await this.#stopped;
      // Not ready any more: nobody should count on it.
      this.#publishStatus(nats);
      await this.#takeOnForAWhile();
      clearInterval(gauge);
      return (await this.#drain()) && !this.#fault ? exitCodes.drained : exitCodes.failed;
    } finally {
      await close(nats);
    }
  }

  /** All or none: a service that can't start takes down the ones before it. */
  async #startAll(nats: Nats): Promise<void> {
    try {
      for (const service of this.#services) {
        if (this.#stopping) return;
        this.#running.set(service.name, await service.start(this.#contextOf(service, nats)));
      }
    } catch (error) {
      await this.#drain();
      throw error;
    }
  }

  #contextOf(service: ServiceDefinition, { bus, spool }: Nats): ServiceContext {
    const current = (): Config => this.#config;
    const log = this.#log.child({ service: service.name });
    return {
      get config() {
        return current();
      },
      bus,
      spool,
      clock: systemClock,
      log,
      endedInstances: endedInstances(),
      fatal: (fault) => {
        log.error({ fault: faultText(fault) }, 'a fault this process can not go on with');
        this.#fault = true;
        this.#beginStop();
      },
    };
  }

  /** Whoever sends us connections hears of the end later than we do. */
  async #takeOnForAWhile(): Promise<void> {
    const delay = this.#config.shutdown_delay;
    if (delay > 0 && !this.#fault) await new Promise((resolve) => setTimeout(resolve, delay));
  }

  #eachSecond(nats: Nats): void {
    this.#heapGrowth.look();
    this.#publishStatus(nats);
  }

  #publishStatus({ bus }: Nats): void {
    const own = this.#ownFigures();
    for (const [name, service] of this.#running) bus.publishStatus(name, { ...own, ...service.figures() });
  }

  #ownFigures(): Readonly<Record<string, unknown>> {
    return {
      ready: this.#state.readiness().ready,
      natsAwayForInMilliseconds: this.#state.natsAwayForInMilliseconds(),
      configurationsRefused: this.#watch.refused,
      configuration: this.#configuration,
    };
  }

  #followConfig(loaded: LoadedConfig, loadOptions: LoadOptions): ConfigWatch {
    return watchConfig(loaded, loadOptions, {
      changed: ({ config, hot, cold }) => {
        this.#config = config;
        this.#configuration = configFingerprint(config);
        this.#log.setLevel(config.log.level);
        for (const service of this.#running.values()) service.reconfigured?.(config);
        if (hot.length > 0) this.#log.info({ keys: hot }, 'configuration reloaded');
        if (cold.length > 0) this.#log.warn({ keys: cold }, 'these keys count only after a restart');
      },
      refused: (error) =>
        this.#log.error({ problem: error.message }, 'bad configuration: the old one stays in force'),
    });
  }

  /** @returns false when it had to be cut off */
  async #drain(): Promise<boolean> {
    const limit = this.#config.shutdown_timeout;
    const late = new Promise<'late'>((resolve) => setTimeout(() => resolve('late'), limit).unref());
    const result = await Promise.race([this.#drainInOrder(), late]);
    if (result === 'late') this.#log.warn({ limit }, 'cut off: not all was finished in time');
    return result === 'drained';
  }

  async #drainInOrder(): Promise<'drained'> {
    for (const names of [...drainOrder, [...this.#running.keys()]]) {
      const members = names.flatMap((name) => this.#running.get(name) ?? []);
      for (const name of names) this.#running.delete(name);
      await Promise.all(members.map((service) => service.drain()));
    }
    return 'drained';
  }

  /** A fault that nobody took: told like everything else, and the process ends. */
  #endOnFaults(): void {
    process.on('uncaughtException', (fault) => {
      this.#log.error({ fault: faultText(fault) }, 'a fault that nobody took');
      process.exit(exitCodes.failed);
    });
  }

  #beginStop(): void {
    this.#stopping = true;
    this.#state.draining();
    this.#resolveStopped();
  }
}

const faultText = (fault: unknown): string =>
  fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);

async function close({ bus, spool }: Nats): Promise<void> {
  const late = new Promise((resolve) => setTimeout(resolve, closesWithin).unref());
  await Promise.race([Promise.all([bus.close(), spool.close()]), late]);
}
