/** `postrider standalone`: starts all, says what it listens on and last `postrider: ready`, ends on SIGTERM or Ctrl-C. */
import { parseArgs } from 'node:util';
import { listenForSignals, loadConfig } from '@postrider/runtime';
import { groups, separate } from './groups.js';
import { Supervisor } from './supervisor.js';

export { groups } from './groups.js';
export { Supervisor, type SupervisorOptions } from './supervisor.js';

const exitCodes = { done: 0 } as const;

/**
 * @param words `--config FILE`, `--separate`: each service in a process of its own
 * @returns the exit code; @throws ConfigError, StartError
 */
export async function main(words: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...words],
    options: { config: { type: 'string', short: 'c' }, separate: { type: 'boolean' } },
  });
  const configPath = values.config ?? process.env['POSTRIDER_CONFIG'];
  const { config } = loadConfig({
    environment: process.env,
    ...(configPath === undefined ? {} : { path: configPath }),
  });
  const end = new End();
  const supervisor = new Supervisor({
    config,
    configPath,
    groups: values.separate === true ? separate : groups,
    program: process.argv[1] ?? '',
    say,
    failed: (text, exitCode) => {
      if (text !== '') process.stderr.write(`${text.replaceAll(/^/gm, 'postrider: ')}\n`);
      end.because(exitCode);
    },
  });
  const unlisten = listenForSignals({
    stop: () => {
      say('stopping');
      end.because(exitCodes.done);
    },
    quit: (code) => {
      supervisor.kill();
      process.exit(code);
    },
    reload: () => supervisor.reload(),
  });
  // Whoever read our output is gone; mail goes on.
  process.stdout.on('error', () => undefined);
  try {
    const listening = await Promise.race([supervisor.start(), end.asked]);
    if (listening) {
      for (const line of started(supervisor, listening)) say(line);
      await end.asked;
    }
  } finally {
    await supervisor.stop();
    unlisten();
  }
  return end.code;
}

function started(supervisor: Supervisor, listening: readonly string[]): readonly string[] {
  const { natsVersion } = supervisor;
  const pid = supervisor.pids()['nats-server'];
  const nats = natsVersion === undefined ? [] : [`nats-server ${natsVersion}, pid ${pid ?? ''}`];
  return [...nats, ...listening.map((address) => `listening: ${address}`), 'ready'];
}

function say(text: string): void {
  process.stdout.write(`postrider: ${text}\n`);
}

/** Why it ends: a signal, or a child that can't start; the first reason counts. */
class End {
  #code: number | undefined;
  readonly asked: Promise<undefined>;
  #ask: () => void = () => undefined;

  constructor() {
    this.asked = new Promise((resolve) => {
      this.#ask = () => resolve(undefined);
    });
  }

  get code(): number {
    return this.#code ?? exitCodes.done;
  }

  because(code: number): void {
    this.#code ??= code;
    this.#ask();
  }
}
