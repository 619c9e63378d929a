/** The servers under test: Postrider, and Postfix and Haraka with their own defaults, each relaying all mail to one sink. */
import type { ProcessFigures } from '../process-figures.js';
import { canRunPostfix, startPostfix } from '../running-postfix.js';
import { startPostrider } from '../running-postrider.js';
import { startHaraka } from './haraka.js';

export interface SystemUnderTest {
  readonly name: string;
  readonly port: number;
  processes(): readonly ProcessFigures[];
  stop(): Promise<void>;
}

/** @param flags of the command line */
export async function startPostriderForBench(
  port: number,
  sinkPort: number,
  flags: readonly string[] = [],
): Promise<SystemUnderTest> {
  const postrider = await startPostrider(
    [
      'hostname: postrider.bench.test',
      `routes: { "*": "smtp://127.0.0.1:${sinkPort}" }`,
      'log: { level: warn, format: text }',
    ],
    { port, flags },
  );
  return { name: 'Postrider', port, processes: () => postrider.processes(), stop: () => postrider.remove() };
}

/** @returns undefined where Postfix can't run */
export async function startPostfixForBench(
  port: number,
  sinkPort: number,
): Promise<SystemUnderTest | undefined> {
  if (!canRunPostfix()) return undefined;
  const postfix = await startPostfix({ port, nextHopPort: sinkPort });
  return { name: 'Postfix', port, processes: () => postfix.processes(), stop: () => postfix.stop() };
}

/** It syncs each mail in its queue before its 250, too. @returns undefined where it is not installed */
export async function startHarakaForBench(
  port: number,
  sinkPort: number,
): Promise<SystemUnderTest | undefined> {
  const haraka = await startHaraka({
    port,
    plugin: [
      'exports.hook_connect = (next, connection) => { connection.relaying = true; next(); };',
      'exports.hook_rcpt = (next) => next(OK);',
      `exports.hook_get_mx = (next) => next(OK, { priority: 0, exchange: '127.0.0.1', port: ${sinkPort} });`,
    ].join('\n'),
    settings: { 'outbound.ini': 'local_mx_ok=true\nenable_tls=false\n' },
  });
  return haraka && { name: 'Haraka', ...haraka };
}
