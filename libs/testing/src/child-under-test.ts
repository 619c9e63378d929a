/** A program under test: started, killed, stopped, started again, with what it printed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { waitFor } from './wait-for.js';

export interface ChildOptions {
  readonly command: string;
  readonly args?: readonly string[];
  readonly cwd?: string;
  /** Besides the tester's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** `start` waits for this in the output. */
  readonly readyWhen?: RegExp;
  /** Milliseconds for that; default 30 s. */
  readonly readyWithin?: number;
}

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Output kept, from the end: enough for any log worth reading. */
const outputKept = 4 * 1024 * 1024;
const usualPatience = 30_000;

export class ChildUnderTest {
  readonly #options: ChildOptions;
  #child: ChildProcess | undefined;
  #ended: Promise<ChildEnd> | undefined;
  #output = '';
  /** What this start has printed. */
  #outputNow = '';
  #over = false;

  constructor(options: ChildOptions) {
    this.#options = options;
  }

  /** @throws Error with the output when it ends, or isn't ready in time; after `end` */
  async start(): Promise<void> {
    if (this.#over) throw new Error(`${this.#options.command} has been ended for good`);
    if (this.running) throw new Error(`${this.#options.command} runs already`);
    const { command, args = [], cwd, env, readyWhen, readyWithin = usualPatience } = this.#options;
    this.#outputNow = '';
    const child = spawn(command, [...args], {
      ...(cwd !== undefined && { cwd }),
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    child.stdout.setEncoding('utf8').on('data', (text: string) => this.#keep(text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.#keep(text));
    this.#ended = new Promise((resolve) => {
      child.once('close', (code, signal) => resolve({ code, signal }));
      child.once('error', (error) => {
        this.#keep(`${error.message}\n`);
        resolve({ code: null, signal: null });
      });
    });
    if (readyWhen === undefined) return;
    const described = (): string => `${readyWhen.source} from ${command}; it printed:\n${this.#outputNow}`;
    await waitFor(() => !this.running || readyWhen.test(this.#outputNow), readyWithin, described);
    // Its last words may come after its end.
    if (!readyWhen.test(this.#outputNow)) await this.ended();
    if (!readyWhen.test(this.#outputNow))
      throw new Error(`${command} ended before it was ready:\n${this.#outputNow}`);
  }

  get pid(): number | undefined {
    return this.running ? this.#child?.pid : undefined;
  }

  get running(): boolean {
    const child = this.#child;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** All it printed, over all its starts. */
  get output(): string {
    return this.#output;
  }

  /** Waits for something in the output of this start. */
  async printed(pattern: RegExp, timeout = usualPatience): Promise<RegExpExecArray> {
    const found = (): RegExpExecArray | null => pattern.exec(this.#outputNow);
    await waitFor(found, timeout, () => `${pattern.source}; it printed:\n${this.#outputNow}`);
    const match = found();
    if (match === null) throw new Error(`${pattern.source} is gone from the output`);
    return match;
  }

  /** Resolves when it has ended by itself or otherwise. */
  async ended(): Promise<ChildEnd> {
    return (await this.#ended) ?? { code: null, signal: null };
  }

  /** As a power cut: SIGKILL. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.ended();
  }

  /** Kills it for good: whoever would start it again hears an error, whatever was under way. */
  async end(): Promise<void> {
    this.#over = true;
    await this.kill();
  }

  /** As an operator: SIGTERM, and how it ended. @throws Error when it still runs after `timeout`, killed then */
  async stop(timeout = usualPatience, signal: NodeJS.Signals = 'SIGTERM'): Promise<ChildEnd> {
    if (!this.running) return this.ended();
    this.#child?.kill(signal);
    try {
      await waitFor(
        () => !this.running,
        timeout,
        () => `the end of ${this.#options.command}; it printed:\n${this.#outputNow}`,
      );
    } catch (error) {
      await this.kill();
      throw error;
    }
    return this.ended();
  }

  /** Kills and starts it. */
  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  #keep(text: string): void {
    this.#output = (this.#output + text).slice(-outputKept);
    this.#outputNow = (this.#outputNow + text).slice(-outputKept);
  }
}
