/**
 * Everything on one machine: nats-server and the services as processes of their own, as Postfix' master does it. Any may
 * die and is started again; the end comes in order, ingress first and NATS last.
 */
import { hasOwnServer, StartError, storeSizeInOctets, type Config } from '@postrider/runtime';
import { Child } from './children.js';
import { endings } from './groups.js';
import { OwnNats } from './own-nats.js';
import { checkDataDir, spoolSize } from './room.js';
import { RunFolder } from './run-folder.js';

export interface SupervisorOptions {
  readonly config: Config;
  /** As given: the children read it themselves. */
  readonly configPath: string | undefined;
  /** Services that share a process. */
  readonly groups: readonly (readonly string[])[];
  /** `postrider` itself. */
  readonly program: string;
  readonly say: (text: string) => void;
  /** A child can't start; everything is to end with this code. */
  readonly failed: (text: string, exitCode: number) => void;
}

const mebibyte = 1024 * 1024;
/** JetStream counts more than the messages themselves. */
const storeOverhead = 1.1;

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #children: Child[] = [];
  #runFolder: RunFolder | undefined;
  #nats: OwnNats | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** @returns what the services listen on; @throws StartError */
  async start(): Promise<readonly string[]> {
    const { config, groups, program, say, failed } = this.#options;
    checkDataDir(config.data_dir);
    const runFolder = new RunFolder(config.data_dir);
    this.#runFolder = runFolder;
    await runFolder.endLeftOver();
    const maxSize = spoolSize(config);
    if (maxSize < config.spool.max_size)
      say(
        `the spool takes ${Math.floor(maxSize / mebibyte)} MiB at most: the disk is smaller than spool.max_size`,
      );
    if (hasOwnServer(config)) await this.#startNats(maxSize);
    const environment = this.#environment(maxSize);
    for (const services of groups)
      this.#children.push(
        new Child({
          program,
          services,
          environment: { ...environment, ...httpOf(services) },
          runFolder,
          say,
          failed,
        }),
      );
    const listening = await Promise.all(this.#children.map((child) => child.start()));
    return listening.flat();
  }

  /** What runs, by name. */
  pids(): Readonly<Record<string, number>> {
    const all = [...this.#children, { name: 'nats-server', pid: this.#nats?.pid }];
    return Object.fromEntries(all.flatMap(({ name, pid }) => (pid === undefined ? [] : [[name, pid]])));
  }

  get natsVersion(): string | undefined {
    return this.#nats?.version;
  }

  reload(): void {
    for (const child of this.#children) child.reload();
  }

  async stop(): Promise<void> {
    const begin = performance.now();
    const limit = this.#options.config.shutdown_timeout;
    for (const { services, until } of endings) {
      const members = this.#children.filter(({ name }) =>
        name.split('+').some((part) => services.includes(part)),
      );
      const left = Math.max(0, limit * until - (performance.now() - begin));
      await Promise.all(members.map((child) => child.stop(left)));
    }
    await this.#nats?.stop();
    this.#runFolder?.release();
  }

  /** At once. */
  kill(): void {
    for (const child of this.#children) child.kill();
    this.#nats?.kill();
    this.#runFolder?.release();
  }

  async #startNats(maxSize: number): Promise<void> {
    const { config, say } = this.#options;
    const size = storeSizeInOctets(config) - config.spool.max_size + maxSize;
    this.#nats = new OwnNats({
      dataDir: config.data_dir,
      maxFileStoreInOctets: Math.ceil(size * storeOverhead),
      say,
      moved: () => {
        for (const child of this.#children) child.restart();
      },
    });
    try {
      await this.#nats.start();
    } catch (error) {
      throw new StartError(error instanceof Error ? error.message : String(error));
    }
  }

  #environment(maxSize: number): Readonly<Record<string, string>> {
    const { config, configPath } = this.#options;
    const onTerminal = config.log.format === 'auto' && process.stdout.isTTY;
    return {
      ...(configPath === undefined ? {} : { POSTRIDER_CONFIG: configPath }),
      ...(onTerminal ? { POSTRIDER__LOG__FORMAT: 'text' } : {}),
      ...(maxSize < config.spool.max_size ? { POSTRIDER__SPOOL__MAX_SIZE: `${maxSize} B` } : {}),
    };
  }
}

/** One port a machine: admin's shows all, so the others open none. */
const httpOf = (services: readonly string[]): Readonly<Record<string, string>> =>
  services.includes('admin') ? {} : { POSTRIDER__HTTP__LISTEN: '""' };
