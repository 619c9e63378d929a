/** Load by smtp-source, as in the comparison scripts that the design's budgets were measured with. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpuOf } from '../process-figures.js';
import type { CountingSink } from '../smtp-sink.js';
import type { SystemUnderTest } from './systems.js';

export interface Load {
  readonly mails: number;
  readonly sessions: number;
  readonly sizeInOctets: number;
  /** Sessions stay open for many mails; otherwise one connection a mail. */
  readonly keepOpen: boolean;
  readonly to?: string;
  /** Each recipient's local part begins with a number of its own. */
  readonly numbered?: boolean;
  /** Of each mail; absent: one. */
  readonly recipients?: number;
}

export interface LoadFigures {
  readonly acceptPerSecond: number;
  readonly endToEndPerSecond: number;
  readonly cpuPerMailInMilliseconds: number;
}

export async function measureLoad(
  system: SystemUnderTest,
  sink: CountingSink,
  load: Load,
): Promise<LoadFigures> {
  const before = sink.count();
  const cpuBefore = cpuOf(system.processes());
  const start = performance.now();
  await smtpSource(system.port, load);
  const accepted = performance.now();
  await sink.reached(before + load.mails);
  const delivered = performance.now();
  return {
    acceptPerSecond: (load.mails / (accepted - start)) * 1000,
    endToEndPerSecond: (load.mails / (delivered - start)) * 1000,
    cpuPerMailInMilliseconds: (cpuOf(system.processes()) - cpuBefore) / load.mails,
  };
}

/** Sends it, with smtp-source; resolves when all mails are accepted. @throws when one is not */
export async function smtpSource(port: number, load: Load): Promise<void> {
  const {
    mails,
    sessions,
    sizeInOctets,
    keepOpen,
    to = 'b@dest.test',
    numbered = false,
    recipients = 1,
  } = load;
  const flags = [...(keepOpen ? ['-d'] : []), ...(numbered ? ['-N'] : [])];
  const figures = ['-s', sessions, '-m', mails, '-l', sizeInOctets, '-r', recipients].map(String);
  const words = [...flags, ...figures, '-f', 'a@bench.test', '-t', to];
  const child = spawn('smtp-source', [...words, `127.0.0.1:${port}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`smtp-source ended with ${code}`);
}
