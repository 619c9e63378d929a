/**
 * `npm run bench`: the questions of the design's budgets, Postrider and (where it is installed and we are root)
 * Postfix in one run on one machine, a table to the terminal and JSON to `test/bench/results/`.
 *
 *   npm run bench -- [--quick] [--rounds N]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measureLatency, type LatencyFigures } from './latency.js';
import { measureLoad, type Load, type LoadFigures } from './load.js';
import { measureIdleSessions, measureLargeMail, type MemoryFigures } from './memory.js';
import { startSmtpSink } from '../smtp-sink.js';
import { startPostfixForBench, startPostriderForBench, type SystemUnderTest } from './systems.js';
import { printTable } from './table.js';

const mega = 1024 * 1024;
const sinkPort = 25_826;

export interface LoadQuestion extends Load {
  readonly name: string;
  /** Postfix needs a smaller count for the same time. */
  readonly postfixMails: number;
}

const loads: readonly LoadQuestion[] = [
  {
    name: '5 kB, 100 sessions kept open',
    mails: 20_000,
    postfixMails: 2000,
    sessions: 100,
    sizeInOctets: 5000,
    keepOpen: true,
  },
  {
    name: '5 kB, a connection a mail, 20 at once',
    mails: 5000,
    postfixMails: 1500,
    sessions: 20,
    sizeInOctets: 5000,
    keepOpen: false,
  },
  {
    name: '100 kB, 50 sessions kept open',
    mails: 3000,
    postfixMails: 1000,
    sessions: 50,
    sizeInOctets: 100_000,
    keepOpen: true,
  },
];

export interface SystemFigures {
  readonly system: string;
  readonly loads: Readonly<Record<string, LoadFigures>>;
  readonly latency: LatencyFigures;
  readonly idleSessions?: readonly MemoryFigures[];
  readonly largeMail?: readonly MemoryFigures[];
}

const { values: flags } = parseArgs({ options: { quick: { type: 'boolean' }, rounds: { type: 'string' } } });
const rounds = Number(flags.rounds ?? (flags.quick === true ? 1 : 3));
const share = flags.quick === true ? 0.2 : 1;

const postrider = await startPostriderForBench(25_825, sinkPort);
const results = [await measure(postrider, (load) => load.mails, true)];
const postfix = await startPostfixForBench(25_827, sinkPort);
if (postfix) results.push(await measure(postfix, (load) => load.postfixMails, false));
else say('Postfix is not measured: it needs root and the Debian package postfix.');

printTable(results);
const folder = fileURLToPath(new URL('../../bench/results/', import.meta.url));
mkdirSync(folder, { recursive: true });
const file = `${folder}${new Date().toISOString().replaceAll(':', '-')}.json`;
const machine = {
  cpu: cpus()[0]?.model,
  cores: cpus().length,
  memoryInOctets: totalmem(),
  node: process.version,
};
writeFileSync(
  file,
  `${JSON.stringify({ at: new Date().toISOString(), machine, rounds, results }, undefined, 2)}\n`,
);
say(`\nas JSON: ${file}`);

async function measure(
  system: SystemUnderTest,
  mailsOf: (load: LoadQuestion) => number,
  withMemory: boolean,
): Promise<SystemFigures> {
  try {
    const sink = await startSmtpSink(sinkPort);
    const figures: Record<string, LoadFigures> = {};
    for (const question of loads) {
      const load = { ...question, mails: Math.ceil(mailsOf(question) * share) };
      say(`${system.name}: ${question.name}, ${load.mails} mails, ${rounds} rounds`);
      const runs: LoadFigures[] = [];
      for (let round = 0; round < rounds; round++) runs.push(await measureLoad(system, sink, load));
      figures[question.name] = median(runs);
    }
    const memory = withMemory ? await measureMemory(system, sink) : {};
    await sink.stop();
    say(`${system.name}: one mail at a time`);
    const latency = await measureLatency(system.port, sinkPort, flags.quick === true ? 100 : 500);
    return { system: system.name, loads: figures, latency, ...memory };
  } finally {
    await system.stop();
  }
}

async function measureMemory(system: SystemUnderTest, sink: Awaited<ReturnType<typeof startSmtpSink>>) {
  say(`${system.name}: memory, 1,000 idle sessions and a mail of 50 MB`);
  const largeMail = await measureLargeMail(system, sink, 49 * mega);
  const idleSessions = await measureIdleSessions(system, 1000);
  return { idleSessions, largeMail };
}

/** The run in the middle by end-to-end rate. */
function median(runs: readonly LoadFigures[]): LoadFigures {
  const sorted = runs.toSorted((a, b) => a.endToEndPerSecond - b.endToEndPerSecond);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (!middle) throw new Error('no round was run');
  return middle;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
