/** A child of the supervisor: one process of one or several services, started again when it dies. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessNews } from '@postrider/runtime';

export interface ChildOptions {
  /** `postrider` itself. */
  readonly program: string;
  readonly services: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Where `<services>.pid` is written, so that an operator finds the process. */
  readonly pidFolder: string;
  readonly say: (text: string) => void;
  /** It can't start, and trying again would not help. */
  readonly failed: (text: string, exitCode: number) => void;
}

/** First pause before a restart, doubled up to the longest; forgotten after it has run for a while. */
const firstPause = 100;
const longestPause = 5_000;
const steadyAfter = 30_000;

export class Child {
  readonly name: string;
  readonly #options: ChildOptions;
  #process: ChildProcess | undefined;
  #stopping = false;
  #everReady = false;
  #pause = firstPause;
  #listening: readonly string[] = [];
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

  async stop(): Promise<void> {
    this.#stopping = true;
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    await exit;
  }

  kill(): void {
    this.#stopping = true;
    this.#process?.kill('SIGKILL');
  }

  #spawn(): void {
    const { program, services, environment, pidFolder } = this.#options;
    const startedAt = Date.now();
    const child = spawn(process.execPath, [program, 'run', ...services], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, ...environment },
      // A group of its own: Ctrl-C reaches the supervisor alone, which ends all in their order.
      detached: true,
    });
    this.#process = child;
    const pidFile = join(pidFolder, `${this.name}.pid`);
    writeFileSync(pidFile, `${child.pid ?? ''}\n`, { mode: 0o600 });
    child.on('message', (news) => this.#heard(news as ProcessNews));
    child.once('exit', (code, signal) => {
      rmSync(pidFile, { force: true });
      this.#ended(signal ?? `exit ${code ?? ''}`, Date.now() - startedAt);
    });
  }

  #heard(news: ProcessNews): void {
    if (news.news === 'failed') {
      this.#options.failed(news.text, news.exitCode);
      return;
    }
    this.#everReady = true;
    this.#listening = news.listening;
    this.#ready?.(this.#listening);
    this.#ready = undefined;
  }

  #ended(how: string, ranFor: number): void {
    if (this.#stopping) return;
    if (ranFor > steadyAfter) this.#pause = firstPause;
    this.#options.say(`${this.name} ended (${how}), started again in ${this.#pause} ms`);
    setTimeout(() => {
      if (!this.#stopping) this.#spawn();
    }, this.#pause);
    // One that never worked is tried more slowly at once.
    this.#pause = Math.min(longestPause, this.#pause * (this.#everReady ? 2 : 4));
  }
}
