/**
 * A process of one or several services: configuration, NATS, start, a gauge each second, signals, drain. Started by a
 * person, by Kubernetes, or by the supervisor of `standalone`, which hears over IPC how it goes.
 */
import { systemClock } from '@postrider/actor';
import { ConfigError, loadConfig, type LoadedConfig, type LoadOptions } from './config/load.js';
import type { Config } from './config/schema.js';
import { watchConfig, type ConfigWatch } from './config/watch.js';
import { createLogger, type LeveledLogger } from './logger.js';
import { connectAll, type Nats } from './nats.js';
import { StartError, type RunningService, type ServiceContext, type ServiceDefinition } from './service.js';
import { times } from '@postrider/protocol';

export interface RunOptions {
  /** A file or folder; POSTRIDER_CONFIG when absent. */
  readonly config?: string;
}

/** What the supervisor hears. */
export type ProcessNews =
  | { readonly news: 'ready'; readonly listening: readonly string[] }
  | { readonly news: 'failed'; readonly text: string; readonly exitCode: number };

const exitCodes = { drained: 0, failed: 1, configuration: 2 } as const;

/** Mail first out, then what it needs: sessions end, what is accepted is written, then the ones that are asked. */
const drainOrder: readonly (readonly string[])[] = [
  ['smtp-ingress'],
  ['queue-manager', 'outbound-delivery'],
  ['dns-resolver', 'alias-expander', 'admin'],
];

/** Runs until SIGTERM, SIGINT or the supervisor's end. @returns the exit code, also set as the process's */
export async function run(services: readonly ServiceDefinition[], options: RunOptions = {}): Promise<number> {
  const code = await runToTheEnd(services, options);
  process.exitCode = code;
  return code;
}

async function runToTheEnd(services: readonly ServiceDefinition[], options: RunOptions): Promise<number> {
  const path = options.config ?? process.env['POSTRIDER_CONFIG'];
  const loadOptions: LoadOptions = { environment: process.env, ...(path === undefined ? {} : { path }) };
  try {
    return await new RunningProcess(services, loadConfig(loadOptions), loadOptions).run();
  } catch (error) {
    if (error instanceof ConfigError) return failed(error.problems, exitCodes.configuration);
    if (error instanceof StartError) return failed([error.message], exitCodes.failed);
    throw error;
  }
}

/** One line each: by the supervisor where there is one, so that it is said once. */
function failed(lines: readonly string[], exitCode: number): number {
  const text = lines.join('\n');
  if (process.send) process.send({ news: 'failed', text, exitCode } satisfies ProcessNews);
  else process.stderr.write(`${lines.map((line) => `postrider: ${line}`).join('\n')}\n`);
  return exitCode;
}

class RunningProcess {
  readonly #services: readonly ServiceDefinition[];
  readonly #loaded: LoadedConfig;
  readonly #loadOptions: LoadOptions;
  readonly #log: LeveledLogger;
  readonly #running = new Map<string, RunningService>();
  #config: Config;
  #stop: () => void = () => undefined;
  readonly #stopped = new Promise<void>((resolve) => (this.#stop = resolve));
  #stopping = false;
  #fault = false;

  constructor(services: readonly ServiceDefinition[], loaded: LoadedConfig, loadOptions: LoadOptions) {
    this.#services = services;
    this.#loaded = loaded;
    this.#loadOptions = loadOptions;
    this.#config = loaded.config;
    this.#log = createLogger(loaded.config.log, {});
  }

  async run(): Promise<number> {
    this.#listenForSignals();
    const name = this.#services.map((service) => service.name).join('+');
    const nats = await connectAll(this.#config, name, { log: this.#log, stopped: () => this.#stopping });
    if (!nats) return exitCodes.drained;
    try {
      for (const service of this.#services)
        this.#running.set(service.name, await service.start(this.#contextOf(service, nats)));
      const listening = [...this.#running.values()].flatMap((service) => service.listening ?? []);
      process.send?.({ news: 'ready', listening } satisfies ProcessNews);
      this.#log.info({ services: name, listening }, 'ready');
      await this.#untilStopped(nats);
      return (await this.#drain()) && !this.#fault ? exitCodes.drained : exitCodes.failed;
    } finally {
      await this.#close(nats);
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
      fatal: (fault) => {
        log.error({ fault: String(fault) }, 'this process can not go on');
        this.#fault = true;
        this.#beginStop();
      },
    };
  }

  async #untilStopped({ bus }: Nats): Promise<void> {
    const config = this.#followConfig();
    const gauge = setInterval(() => {
      for (const [name, service] of this.#running)
        bus.publishStatus(name, { ready: bus.connected && !this.#stopping, ...service.figures() });
    }, times.gauge);
    const reload = (): void => config.reload();
    process.on('SIGHUP', reload);
    await this.#stopped;
    process.off('SIGHUP', reload);
    config.stop();
    clearInterval(gauge);
  }

  #followConfig(): ConfigWatch {
    return watchConfig(this.#loaded, this.#loadOptions, {
      changed: ({ config, hot, cold }) => {
        this.#config = config;
        this.#log.setLevel(config.log.level);
        for (const service of this.#running.values()) service.reconfigured?.(config);
        if (hot.length > 0) this.#log.info({ keys: hot }, 'configuration reloaded');
        if (cold.length > 0) this.#log.warn({ keys: cold }, 'these keys count after a restart');
      },
      refused: (error) =>
        this.#log.error({ problem: error.message }, 'bad configuration: the old one stays in force'),
    });
  }

  /** @returns false when it had to be cut off */
  async #drain(): Promise<boolean> {
    const limit = this.#config.shutdown_timeout;
    const late = new Promise<'late'>((resolve) => setTimeout(() => resolve('late'), limit).unref());
    const result = await Promise.race([this.#drainInOrder().then(() => 'drained' as const), late]);
    if (result === 'late') this.#log.warn({ limit }, 'cut off: not all was finished in time');
    return result === 'drained';
  }

  async #drainInOrder(): Promise<void> {
    for (const group of drainOrder) {
      const members = group.flatMap((name) => this.#running.get(name) ?? []);
      await Promise.all(members.map((service) => service.drain()));
    }
  }

  async #close({ bus, spool }: Nats): Promise<void> {
    // What hangs here is a server that is away: nothing of ours is left in it.
    const late = new Promise((resolve) => setTimeout(resolve, 1000).unref());
    await Promise.race([Promise.all([bus.close(), spool.close()]), late]);
    if (process.connected) process.disconnect();
  }

  #listenForSignals(): void {
    const stop = (signal: NodeJS.Signals): void => {
      // A second one: at once.
      if (this.#stopping) process.exit(signal === 'SIGINT' ? 130 : 143);
      this.#beginStop();
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
    // The supervisor is gone: nobody else would end this process.
    if (process.send) process.on('disconnect', () => this.#beginStop());
  }

  #beginStop(): void {
    this.#stopping = true;
    this.#stop();
  }
}
