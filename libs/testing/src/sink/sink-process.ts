/** A sink as a process of its own, steered over Node's IPC channel. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { SinkRules } from './rules.js';
import type { SinkOptions } from './sink.js';
import type { SinkReport } from './tally.js';

/** What can be told to another process. */
export type SinkProcessOptions = Omit<SinkOptions, 'taken' | 'connected' | 'keepMails'>;

export type SinkOrder =
  { readonly order: 'report' } | { readonly order: 'behave'; readonly rules: SinkRules };
export type SinkNews =
  | { readonly news: 'listening'; readonly host: string; readonly port: number }
  | { readonly news: 'failed'; readonly text: string }
  | { readonly news: 'count'; readonly mails: number }
  | { readonly news: 'report'; readonly report: SinkReport };

export interface SinkProcess {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  /** Mails taken as last heard, at most 50 ms ago. */
  count(): number;
  report(): Promise<SinkReport>;
  behave(rules: SinkRules): void;
  stop(): Promise<void>;
}

/** The build: a process of its own can't run the sources. Reached from src and from dist alike. */
export const sinkProgram = fileURLToPath(new URL('../../dist/sink/sink-main.js', import.meta.url));

/** @throws Error when the process ends before it listens, as on a port that is taken */
export async function startSinkProcess(options: SinkProcessOptions = {}): Promise<SinkProcess> {
  const child = fork(sinkProgram, [JSON.stringify(options)], {
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let mails = 0;
  const reports: ((report: SinkReport) => void)[] = [];
  const listening = new Promise<{ readonly host: string; readonly port: number }>((resolve, reject) => {
    child.once('exit', (code) =>
      reject(new Error(`the sink ended with ${code ?? 'a signal'} before it listened`)),
    );
    child.on('message', (message) => {
      const heard = message as SinkNews;
      if (heard.news === 'listening') resolve(heard);
      else if (heard.news === 'failed') reject(new Error(`the sink can't start: ${heard.text}`));
      else if (heard.news === 'count') mails = heard.mails;
      else reports.splice(0).forEach((answer) => answer(heard.report));
    });
  });
  const { host, port } = await listening;
  const tell = (order: SinkOrder): void => void child.send(order);
  return {
    host,
    port,
    pid: child.pid ?? 0,
    count: () => mails,
    report: () =>
      new Promise((resolve) => {
        reports.push(resolve);
        tell({ order: 'report' });
      }),
    behave: (rules) => tell({ order: 'behave', rules }),
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    },
  };
}
