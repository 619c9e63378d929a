/**
 * nats-server under the supervisor: found or fetched, started, started again when it dies and when it can write no
 * more.
 */
import { statfsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import {
  findNatsServer,
  isAtLeast,
  pinnedVersion,
  startOwnServer,
  takesWrites,
  watchForWriteErrors,
  type RunningServer,
} from '@postrider/nats-server';

export interface OwnNatsOptions {
  readonly dataDir: string;
  readonly maxFileStoreInOctets: number;
  readonly say: (text: string) => void;
  /** Started again, but on another port: whoever is connected does not find it. */
  readonly moved: () => void;
}

const firstPause = 100;
const longestPause = 5_000;
/** A server that has been up for so long begins with the first pause again. */
const steadyAfter = 30_000;
/** A disk with less room would fail the next write as well. */
const roomToGoOnInOctets = 32 * 1024 * 1024;
const lookForRoomEvery = 2_000;

export class OwnNats {
  version = '';
  readonly #options: OwnNatsOptions;
  #binary = '';
  #server: RunningServer | undefined;
  #pause = firstPause;
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
      say(
        `nats-server ${found.version} (${found.binary}) is older than ${pinnedVersion}, with which this is tested`,
      );
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
    if (this.#stopping) return;
    const { dataDir, maxFileStoreInOctets, moved } = this.#options;
    const before = this.#server?.port;
    const server = await startOwnServer({ dataDir, binary: this.#binary, maxFileStoreInOctets });
    this.#server = server;
    // The end began while it started.
    if (this.#isStopping()) {
      await server.stop();
      return;
    }
    if (before !== undefined && before !== server.port) moved();
    const startedAt = performance.now();
    let failed = false;
    const writeErrors = watchForWriteErrors(server.logFile, (text) => {
      if (!failed) void this.#restartOnceThereIsRoom(server, text);
      failed = true;
    });
    void server.exited.then(() => {
      writeErrors.stop();
      if (performance.now() - startedAt > steadyAfter) this.#pause = firstPause;
      return this.#again('nats-server ended');
    });
  }

  #isStopping(): boolean {
    return this.#stopping;
  }

  async #again(why: string): Promise<void> {
    if (this.#stopping) return;
    const wait = this.#pause;
    this.#pause = Math.min(longestPause, wait * 2);
    this.#options.say(`${why}; started again in ${wait} ms`);
    await pause(wait);
    try {
      await this.#launch();
    } catch (error) {
      await this.#again(error instanceof Error ? error.message : String(error));
    }
  }

  /** What it holds stays: only the start anew makes a stream writable again (DESIGN §3 'Room'). */
  async #restartOnceThereIsRoom(server: RunningServer, text: string): Promise<void> {
    const { say, dataDir } = this.#options;
    say(`nats-server can write no more (${text}); it is started again when there is room`);
    while (!(await hasRoom(dataDir))) await pause(lookForRoomEvery);
    if (!this.#stopping && this.#server === server) await server.stop();
  }
}

async function hasRoom(dataDir: string): Promise<boolean> {
  const { bavail, bsize } = statfsSync(dataDir);
  return bavail * bsize >= roomToGoOnInOctets && (await takesWrites(dataDir));
}
