/** `postrider standalone`: starts all, says what it listens on and last `postrider: ready`, ends on SIGTERM or Ctrl-C. */
import { parseArgs } from 'node:util';
import { loadConfig, type LoadedConfig } from '@postrider/runtime';
import { Supervisor } from './supervisor.js';

export { groups } from './supervisor.js';

const exitCodes = { done: 0, interrupted: 130 } as const;

/** @returns the exit code; @throws ConfigError, StartError */
export async function main(words: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...words], options: { config: { type: 'string', short: 'c' } } });
  const configPath = values.config ?? process.env['POSTRIDER_CONFIG'];
  const { config } = load(configPath);
  const end = new Ending();
  const supervisor = new Supervisor({
    config,
    configPath,
    program: process.argv[1] ?? '',
    say,
    failed: (text, exitCode) => {
      for (const line of text.split('\n')) process.stderr.write(`postrider: ${line}\n`);
      end.because(exitCode);
    },
  });
  end.listen(() => supervisor.kill());
  try {
    const started = await Promise.race([supervisor.start(), end.asked]);
    if (started !== undefined) {
      for (const line of started) say(line);
      say('ready');
      await end.asked;
    }
  } finally {
    await supervisor.stop();
    end.ignore();
  }
  return end.code;
}

const load = (path: string | undefined): LoadedConfig =>
  loadConfig({ environment: process.env, ...(path === undefined ? {} : { path }) });

function say(text: string): void {
  process.stdout.write(`postrider: ${text}\n`);
}

/** Why and when it ends: a signal, a second one, or a child that can't start. */
class Ending {
  code: number = exitCodes.done;
  readonly asked: Promise<undefined>;
  #ask: () => void = () => undefined;
  #signal: () => void = () => undefined;
  #isAsked = false;

  constructor() {
    this.asked = new Promise((resolve) => {
      this.#ask = () => {
        this.#isAsked = true;
        resolve(undefined);
      };
    });
  }

  because(code: number): void {
    this.code = code;
    this.#ask();
  }

  listen(atOnce: () => void): void {
    this.#signal = () => {
      if (this.#isAsked) {
        atOnce();
        process.exit(exitCodes.interrupted);
      }
      say('stopping');
      this.#ask();
    };
    process.on('SIGINT', this.#signal);
    process.on('SIGTERM', this.#signal);
  }

  ignore(): void {
    process.off('SIGINT', this.#signal);
    process.off('SIGTERM', this.#signal);
  }
}
