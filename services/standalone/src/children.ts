/** A child of the supervisor: one process of one or several services, started again when it dies. */
import { spawn, type ChildProcess } from 'node:child_process';
import { endedInstancesVariable, type ProcessNews } from '@postrider/runtime';
import { runFolderVariable, type RunFolder } from './run-folder.js';

export interface ChildOptions {
  /** Runs services by name: `[program, 'run', 'smtp-ingress']`. */
  readonly program: string;
  readonly services: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly runFolder: RunFolder;
  readonly say: (text: string) => void;
  /** At the first start: it can't, and trying again would not help. The text is empty when it has said why itself. */
  readonly failed: (text: string, exitCode: number) => void;
}

/** First pause before a restart, doubled up to the longest; forgotten after it has run for a while. */
const firstPause = 100;
const longestPause = 5_000;
const steadyAfter = 30_000;
/** Its successor tells of them; one that died before it could leaves that to the next. */
const endedRemembered = 5;

export class Child {
  readonly name: string;
  readonly #options: ChildOptions;
  #process: ChildProcess | undefined;
  #exited: Promise<void> = Promise.resolve();
  #stopping = false;
  #everReady = false;
  #instance: string | undefined;
  #endedInstances: readonly string[] = [];
  #pause = firstPause;
  #ready: ((listening: readonly string[]) => void) | undefined;

  constructor(options: ChildOptions) {
    this.#options = options;
    this.name = options.services.join('+');
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Resolves with what it listens on, once it is ready for the first time. */
  start(): Promise<readonly string[]> {
    const ready = new Promise<readonly string[]>((resolve) => (this.#ready = resolve));
    this.#spawn();
    return ready;
  }

  /** SIGTERM; SIGKILL when the time is over. */
  async stop(within: number): Promise<void> {
    this.#stopping = true;
    const late = setTimeout(() => this.#process?.kill('SIGKILL'), within);
    this.#process?.kill('SIGTERM');
    await this.#exited;
    clearTimeout(late);
  }

  /** Ends this process; its successor reads everything anew. */
  restart(): void {
    this.#process?.kill('SIGKILL');
  }

  reload(): void {
    this.#process?.kill('SIGHUP');
  }

  kill(): void {
    this.#stopping = true;
    this.#process?.kill('SIGKILL');
  }

  #spawn(): void {
    const { program, services, environment, runFolder } = this.#options;
    const startedAt = performance.now();
    const child = spawn(process.execPath, [program, 'run', ...services], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: {
        ...process.env,
        ...environment,
        [runFolderVariable]: runFolder.path,
        [endedInstancesVariable]: this.#endedInstances.join(','),
      },
      // A group of its own: Ctrl-C reaches the supervisor alone, which ends all in their order.
      detached: true,
    });
    this.#process = child;
    if (child.pid !== undefined) runFolder.wrote(this.name, child.pid);
    child.on('message', (news) => this.#heard(news as ProcessNews));
    this.#exited = new Promise((resolve) => {
      const ended = (how: string, code: number | null): void => {
        runFolder.ended(this.name);
        this.#process = undefined;
        resolve();
        this.#ended(how, code, performance.now() - startedAt);
      };
      child.once('exit', (code, signal) => ended(signal ?? `exit code ${code ?? ''}`, code));
      child.once('error', (error) => {
        if (child.pid === undefined) ended(error.message, null);
      });
    });
  }

  #heard(news: ProcessNews): void {
    if (news.news === 'failed') {
      if (this.#everReady) this.#options.say(`${this.name}: ${news.text}`);
      else this.#giveUp(news.text, news.exitCode);
      return;
    }
    this.#everReady = true;
    this.#instance = news.instance;
    this.#ready?.(news.listening);
    this.#ready = undefined;
  }

  #ended(how: string, code: number | null, ranFor: number): void {
    if (this.#instance !== undefined)
      this.#endedInstances = [...this.#endedInstances, this.#instance].slice(-endedRemembered);
    this.#instance = undefined;
    if (this.#stopping) return;
    // One that never worked and ended by itself will do so again.
    if (!this.#everReady && code !== null) {
      this.#giveUp('', code);
      return;
    }
    if (ranFor > steadyAfter) this.#pause = firstPause;
    const pause = this.#pause;
    this.#pause = Math.min(longestPause, pause * 2);
    this.#options.say(`${this.name} ended (${how}); started again in ${pause} ms`);
    setTimeout(() => {
      if (!this.#stopping) this.#spawn();
    }, pause);
  }

  #giveUp(text: string, exitCode: number): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#options.failed(text, exitCode === 0 ? 1 : exitCode);
  }
}
