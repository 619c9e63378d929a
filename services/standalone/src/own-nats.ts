/** nats-server under the supervisor: found or fetched, started, started again on its port when it dies. */
import {
  findNatsServer,
  isAtLeast,
  pinnedVersion,
  startOwnServer,
  type RunningServer,
} from '@postrider/nats-server';

export interface OwnNatsOptions {
  readonly dataDir: string;
  readonly maxFileStoreInOctets: number;
  readonly say: (text: string) => void;
}

const restartPause = 100;
const longestPause = 5_000;

export class OwnNats {
  version = '';
  readonly #options: OwnNatsOptions;
  #binary = '';
  #server: RunningServer | undefined;
  #stopping = false;

  constructor(options: OwnNatsOptions) {
    this.#options = options;
  }

  /** @throws NoServer, ServerFailed, or the system's error when data_dir can't be written */
  async start(): Promise<void> {
    const { say } = this.#options;
    const found = await findNatsServer({ fetch: true, progress: say });
    this.#binary = found.binary;
    this.version = found.version;
    if (!isAtLeast(found.version, pinnedVersion))
      say(`nats-server is ${found.version}; ${pinnedVersion} is what this is tested with`);
    await this.#launch();
  }

  get pid(): number | undefined {
    return this.#server?.pid;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#server?.stop();
  }

  kill(): void {
    this.#stopping = true;
    this.#server?.kill();
  }

  async #launch(): Promise<void> {
    const { dataDir, maxFileStoreInOctets } = this.#options;
    const server = await startOwnServer({ dataDir, binary: this.#binary, maxFileStoreInOctets });
    this.#server = server;
    void server.exited.then(() => this.#again(restartPause));
  }

  async #again(pause: number): Promise<void> {
    const { say } = this.#options;
    if (this.#stopping) return;
    say(`nats-server ended, started again in ${pause} ms`);
    await new Promise((resolve) => setTimeout(resolve, pause));
    if (this.#stopping) return;
    try {
      await this.#launch();
    } catch (error) {
      say(error instanceof Error ? error.message : String(error));
      await this.#again(Math.min(longestPause, pause * 4));
    }
  }
}
