/** The servers under test: Postrider, and Postfix with its own defaults, each relaying all mail to one sink. */
import type { ProcessFigures } from '../process-figures.js';
import { canRunPostfix, startPostfix } from '../running-postfix.js';
import { startPostrider } from '../running-postrider.js';

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
