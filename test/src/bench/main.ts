/**
 * `npm run bench`: the questions of the design's budgets, Postrider and (where they are installed, and we are root for
 * Postfix) Postfix and Haraka in one run on one machine, a table to the terminal and JSON to `test/bench/results/`.
 * `npm run bench -- --help` tells what else it measures: deferred.ts, scale.ts, by-process.ts.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { measureByProcess } from './by-process.js';
import { measureDeferred, printDeferred } from './deferred.js';
import { parseFlags, summary, usage, type Asked } from './flags.js';
import { fsyncInMilliseconds } from './fsync.js';
import { measureLatency, type LatencyFigures } from './latency.js';
import { measureLoad, type Load, type LoadFigures } from './load.js';
import { measureIdleSessions, measureLargeMail, type MemoryFigures } from './memory.js';
import { measureProtocol } from './protocol.js';
import { startSmtpSink, type CountingSink } from '../smtp-sink.js';
import { usageError } from '../words.js';
import { measureScale } from './scale.js';
import {
  startHarakaForBench,
  startPostfixForBench,
  startPostriderForBench,
  type SystemUnderTest,
} from './systems.js';
import { printCosts, printProtocol, printScale, printTable } from './table.js';

const mega = 1024 * 1024;
const sinkPort = 25_826;

export interface LoadQuestion extends Load {
  readonly name: string;
  /** The others need a smaller count for the same time. */
  readonly peerMails: number;
}

const loads: readonly LoadQuestion[] = [
  {
    name: '5 kB, 100 sessions kept open',
    mails: 20_000,
    peerMails: 2000,
    sessions: 100,
    sizeInOctets: 5000,
    keepOpen: true,
  },
  {
    name: '5 kB, a connection a mail, 20 at once',
    mails: 5000,
    peerMails: 1500,
    sessions: 20,
    sizeInOctets: 5000,
    keepOpen: false,
  },
  {
    name: '100 kB, 50 sessions kept open',
    mails: 3000,
    peerMails: 1000,
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

/** Mails of one worker in `--scale`. */
const scaleMails = 2_000;

const asked = askedFor(process.argv.slice(2));
const { quick, rounds } = asked;
const share = quick ? 0.2 : 1;
if (asked.help) say(`${usage}\n${summary}`);
else keep(await figures());

/** Ends the process where that makes no sense. */
function askedFor(words: readonly string[]): Asked {
  try {
    return parseFlags(words);
  } catch (error) {
    process.exit(usageError('bench', usage, error));
  }
}

/** What was asked for, measured and printed. */
async function figures(): Promise<object> {
  if (asked.deferred !== undefined) {
    const { intoSpool } = asked;
    const deferred = await measureDeferred(asked.deferred, { intoSpool, say });
    printDeferred(deferred, say);
    return { deferred };
  }
  if (asked.scale) return { scale: await scale() };
  if (asked.byProcess) return { byProcess: await byProcess() };
  const protocol = asked.only === 'systems' ? [] : await measureProtocol(rounds, share, say);
  if (asked.only === 'protocol') {
    printProtocol(protocol);
    return { rounds, protocol };
  }
  const postrider = await startPostriderForBench(25_825, sinkPort);
  const postfix = await startPostfixForBench(25_827, sinkPort);
  if (!postfix) say('Postfix is not measured: it needs root and the Debian package postfix.');
  const haraka = await startHarakaForBench(25_828, sinkPort);
  if (!haraka) say('Haraka is not measured: it is neither on the PATH nor where HARAKA says.');
  const fsync = fsyncInMilliseconds();
  const peers = [postfix, haraka].filter((peer) => peer !== undefined);
  const results = await measure([postrider, ...peers]);
  printTable(results);
  say(`\nan fsync takes ${fsync.toFixed(1)} ms here, p50: the slower it is, the more is shared`);
  printProtocol(protocol);
  return { rounds, fsyncInMilliseconds: fsync, results, protocol };
}

async function byProcess() {
  say('each service in a process of its own');
  const sink = await startSmtpSink(sinkPort);
  try {
    const shares = loads.map(({ name, ...load }) => [
      name,
      { ...load, mails: Math.ceil(load.mails * share) },
    ]);
    const setup = { port: 25_825, sinkPort, sink, idleSessions: 1000, largeMailInOctets: 49 * mega };
    const costs = await measureByProcess(Object.fromEntries(shares) as Record<string, Load>, setup, say);
    printCosts(costs);
    return costs;
  } finally {
    await sink.stop();
  }
}

async function scale() {
  say('a next hop that takes 50 ms for each mail; end to end');
  const rows = await measureScale(Math.ceil(scaleMails * share), (row) =>
    say(
      `  ${row.queueManagers}, ${row.workers}: ${row.mails} mails, ${Math.round(row.mailsPerSecond)} a second`,
    ),
  );
  printScale(rows);
  return rows;
}

/** As JSON, with the machine that it was measured on. */
function keep(figures: object): void {
  const folder = fileURLToPath(new URL('../../bench/results/', import.meta.url));
  mkdirSync(folder, { recursive: true });
  const at = new Date().toISOString();
  const file = `${folder}${at.replaceAll(':', '-')}.json`;
  const machine = {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    memoryInOctets: totalmem(),
    node: process.version,
  };
  writeFileSync(file, `${JSON.stringify({ at, machine, ...figures }, undefined, 2)}\n`);
  say(`\nas JSON: ${file}`);
}

/** @param systems ours first */
async function measure(
  systems: readonly [SystemUnderTest, ...SystemUnderTest[]],
): Promise<readonly SystemFigures[]> {
  const [postrider] = systems;
  try {
    const sink = await startSmtpSink(sinkPort);
    // First, before load has filled heaps and caches.
    const memory = await measureMemory(postrider, sink);
    const figures = new Map<string, Readonly<Record<string, LoadFigures>>>();
    for (const question of loads)
      for (const [name, runs] of await measureInTurns(systems, sink, question))
        figures.set(name, { ...figures.get(name), [question.name]: median(runs) });
    await sink.stop();
    const measured: SystemFigures[] = [];
    for (const system of systems) {
      say(`${system.name}: one mail at a time`);
      const latency = await measureLatency(system.port, sinkPort, quick ? 100 : 500);
      const own = system === postrider ? memory : {};
      measured.push({ system: system.name, loads: figures.get(system.name) ?? {}, latency, ...own });
    }
    return measured;
  } finally {
    await Promise.all(systems.map((system) => system.stop()));
  }
}

/**
 * The systems take turns, since a machine's speed changes within minutes; and each has a round before that is not counted,
 * since a server that has just been started is not what anybody runs.
 */
async function measureInTurns(
  systems: readonly SystemUnderTest[],
  sink: CountingSink,
  question: LoadQuestion,
): Promise<ReadonlyMap<string, readonly LoadFigures[]>> {
  say(`${question.name}: ${rounds} rounds, and one to warm up`);
  const runs = new Map(systems.map(({ name }) => [name, [] as LoadFigures[]]));
  for (let round = 0; round <= rounds; round++)
    for (const system of systems) {
      const mails = Math.ceil((system === systems[0] ? question.mails : question.peerMails) * share);
      const figures = await measureLoad(system, sink, { ...question, mails });
      say(`  ${system.name}: ${mails} mails, ${Math.round(figures.endToEndPerSecond)} a second`);
      if (round > 0) runs.get(system.name)?.push(figures);
    }
  return runs;
}

async function measureMemory(system: SystemUnderTest, sink: CountingSink) {
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
