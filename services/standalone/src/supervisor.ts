/**
 * Everything on one machine: nats-server and the services as processes of their own, as Postfix' master does it. Any may
 * die and is started again; the end comes in order, ingress first and NATS last.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { hasOwnServer, StartError, storeSizeInOctets, type Config } from '@postrider/runtime';
import { Child } from './children.js';
import { OwnNats } from './own-nats.js';
import { checkDataDir, spoolSize } from './room.js';

export interface SupervisorOptions {
  readonly config: Config;
  /** As given: the children read it themselves. */
  readonly configPath: string | undefined;
  /** `postrider` itself. */
  readonly program: string;
  readonly say: (text: string) => void;
  /** A child says that it can't start. */
  readonly failed: (text: string, exitCode: number) => void;
}

/** Services that share a process, in the order in which they end. */
export const groups: readonly (readonly string[])[] = [
  ['smtp-ingress'],
  ['queue-manager'],
  ['outbound-delivery'],
  ['dns-resolver', 'alias-expander', 'admin'],
];

/** Ingress first; what it handed over is then written; then those that are asked. */
const endings: readonly (readonly number[])[] = [[0], [1, 2], [3]];

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #children: Child[] = [];
  #nats: OwnNats | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** @returns what the services listen on; @throws StartError */
  async start(): Promise<readonly string[]> {
    const { config, say } = this.#options;
    checkDataDir(config.data_dir);
    const pidFolder = join(config.data_dir, 'run');
    mkdirSync(pidFolder, { recursive: true, mode: 0o700 });
    const maxSize = spoolSize(config);
    if (maxSize < config.spool.max_size)
      say(
        `the spool may take ${Math.floor(maxSize / 1024 / 1024)} MiB: the disk is smaller than spool.max_size`,
      );
    if (hasOwnServer(config)) await this.#startNats(maxSize);
    const environment = this.#environment(maxSize);
    const { program, failed } = this.#options;
    for (const services of groups)
      this.#children.push(new Child({ program, services, environment, pidFolder, say, failed }));
    const listening = await Promise.all(this.#children.map((child) => child.start()));
    return [
      ...(this.#nats ? [`nats-server ${this.#nats.version} (pid ${this.#nats.pid ?? ''})`] : []),
      ...listening.flat(),
    ];
  }

  async stop(): Promise<void> {
    for (const members of endings) await Promise.all(members.map((index) => this.#children[index]?.stop()));
    await this.#nats?.stop();
  }

  /** At once. */
  kill(): void {
    for (const child of this.#children) child.kill();
    this.#nats?.kill();
  }

  async #startNats(maxSize: number): Promise<void> {
    const { config, say } = this.#options;
    // JetStream counts more than the messages themselves: a tenth on top.
    const maxFileStoreInOctets = Math.ceil(
      (storeSizeInOctets(config) - config.spool.max_size + maxSize) * 1.1,
    );
    this.#nats = new OwnNats({ dataDir: config.data_dir, maxFileStoreInOctets, say });
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
