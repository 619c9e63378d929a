/**
 * `npm run bench -- --deferred N`: that many mails to a next hop that is down, all by SMTP and the ordinary way into
 * DEFER, then what they cost: memory of queue-manager, and the time from `kill -9` of it until other mail flows again.
 * With `--into-spool` they are written into the spool instead (fill-spool.ts), and Postrider is started over them.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startLoad } from '@postrider/testing';
import { connect, type NatsConnection } from 'nats';
import type { ProcessFigures } from '../process-figures.js';
import { freePort, startPostrider, type RunningPostrider } from '../running-postrider.js';
import { startSmtpSink, type CountingSink } from '../smtp-sink.js';
import { fillSpool } from './fill-spool.js';
import { smtpSource } from './load.js';

export interface DeferredFigures {
  readonly mails: number;
  readonly intoSpool: boolean;
  /** From the first connection until the last of them stood in DEFER. */
  readonly filledInSeconds: number;
  /** Of queue-manager with all of them deferred. */
  readonly memoryInOctets: number;
  /** Its highest while they came in. */
  readonly peakWhileFillingInOctets: number;
  /** From `kill -9` until a mail sent after it was at its next hop. */
  readonly flowsAgainInSeconds: number;
  /** From `kill -9` until the new owner had counted all of them. */
  readonly takenOverInSeconds: number;
  /** CPU time of the new process until then: what a machine with other work makes of it is another matter. */
  readonly takeoverCpuInSeconds: number;
  /** Of the new owner's process, when all were back, and its highest so far. */
  readonly memoryAfterInOctets: number;
  readonly peakAfterInOctets: number;
}

/** Octets of a mail, header included: what is measured is kept without its content. */
const sizeInOctets = 1_000;
const gibibyte = 1024 ** 3;
const maxSizeInOctets = 20 * gibibyte;
const sessions = 50;
/** A process that has had nothing to do for so long has collected its garbage, as far as it ever does. */
const settles = 15_000;
/** A takeover says nothing until it is over; seconds. */
const withoutProgress = 900;

interface Scene {
  readonly postrider: RunningPostrider;
  readonly sink: CountingSink;
  readonly gauge: Gauge;
  readonly mails: number;
  readonly say: (text: string) => void;
}

/** @param say a line to who waits for it: a million take half an hour */
export async function measureDeferred(
  mails: number,
  { intoSpool, say }: { readonly intoSpool: boolean; readonly say: (text: string) => void },
): Promise<DeferredFigures> {
  const sinkPort = await freePort();
  const down = await freePort();
  const sink = await startSmtpSink(sinkPort);
  const postrider = await startPostrider(
    [
      'hostname: postrider.bench.test',
      `spool: { max_size: ${maxSizeInOctets / gibibyte}GiB }`,
      `routes: { flow.test: "smtp://127.0.0.1:${sinkPort}", "*": "smtp://127.0.0.1:${down}" }`,
      // None of them may come due while they are counted.
      'queue: { retry: { first: 24h, max: 24h }, warn: 5d }',
      'log: { level: warn, format: text }',
    ],
    { flags: ['--separate'] },
  );
  let nats: NatsConnection | undefined;
  try {
    const start = performance.now();
    if (intoSpool) await fillStopped(postrider, mails, say);
    nats = await watcher(postrider);
    const scene = { postrider, sink, gauge: watchGauge(nats), mails, say };
    const filled = await fill(scene, start, intoSpool);
    return { mails, intoSpool, ...filled, ...(await takeOver(scene)) };
  } finally {
    await nats?.close();
    await postrider.remove();
    await sink.stop();
  }
}

async function fillStopped(
  postrider: RunningPostrider,
  mails: number,
  say: (text: string) => void,
): Promise<void> {
  await postrider.stop();
  const dataDir = join(postrider.folder, 'var');
  const progress = (deferred: number): void => {
    if (deferred % 100_000 === 0) say(`  ${deferred} in the spool`);
  };
  const recipient = (number: number): string => `${number}@down.test`;
  await fillSpool({ dataDir, mails, maxSizeInOctets, sizeInOctets, recipient, progress });
  await postrider.start();
}

async function fill({ postrider, gauge, mails, say }: Scene, start: number, filled: boolean) {
  const load = { mails, sessions, sizeInOctets, keepOpen: true, to: '@down.test', numbered: true };
  if (!filled) await smtpSource(postrider.port, load);
  say(`${filled ? 'in the spool' : 'accepted'} after ${seconds(start).toFixed(0)} s`);
  await reached(() => gauge.deferred, mails, say);
  const filledInSeconds = seconds(start);
  await pause(settles);
  const { memoryInOctets, peakMemoryInOctets } = queueManager(postrider);
  say(`deferred after ${filledInSeconds.toFixed(0)} s: ${inMiB(memoryInOctets)}`);
  return { filledInSeconds, memoryInOctets, peakWhileFillingInOctets: peakMemoryInOctets };
}

async function takeOver({ postrider, sink, gauge, mails, say }: Scene) {
  const arrived = sink.count();
  process.kill(queueManager(postrider).pid, 'SIGKILL');
  const killed = performance.now();
  gauge.restarted();
  const probes = startLoad({ port: postrider.port, to: 'probe@flow.test', perSecond: 5, sessions: 2 });
  const flows = arrives(sink, arrived + 1).then(() => seconds(killed));
  const taken = reached(() => gauge.deferred, mails, say).then(() => ({
    takenOverInSeconds: seconds(killed),
    takeoverCpuInSeconds: queueManager(postrider).cpuInMilliseconds / 1000,
  }));
  const [flowsAgainInSeconds, took] = await Promise.all([flows, taken]);
  await probes.stop();
  await pause(settles);
  const { memoryInOctets, peakMemoryInOctets } = queueManager(postrider);
  return {
    flowsAgainInSeconds,
    ...took,
    memoryAfterInOctets: memoryInOctets,
    peakAfterInOctets: peakMemoryInOctets,
  };
}

export function printDeferred(figures: DeferredFigures, say: (text: string) => void): void {
  const s = (value: number): string => `${value.toFixed(1)} s`;
  const rows: readonly (readonly [string, string, string?])[] = [
    [
      `${figures.mails} deferred mails: queue-manager`,
      inMiB(figures.memoryInOctets),
      'goal for a million: 668 MiB (700 MB)',
    ],
    ['  its peak while they came in', inMiB(figures.peakWhileFillingInOctets)],
    ['  they came in within', s(figures.filledInSeconds)],
    ['kill -9: other mail flows again after', s(figures.flowsAgainInSeconds), 'goal for a million: 30 s'],
    ['  all of them counted again after', s(figures.takenOverInSeconds)],
    ['  CPU time of the new queue-manager until then', s(figures.takeoverCpuInSeconds)],
    ['  the new queue-manager', inMiB(figures.memoryAfterInOctets)],
    ['  its peak', inMiB(figures.peakAfterInOctets)],
  ];
  for (const [name, value, goal = ''] of rows)
    say(`${name.padEnd(45)} ${value.padStart(10)}  ${goal}`.trimEnd());
}

interface Gauge {
  readonly deferred: number;
  /** What the process said that was there is on its way still, and counts no more. */
  restarted(): void;
}

async function watcher({ folder }: RunningPostrider): Promise<NatsConnection> {
  const file = join(folder, 'var/nats/connection.json');
  const { servers, user, password } = JSON.parse(readFileSync(file, 'utf8')) as {
    servers: string[];
    user: string;
    password: string;
  };
  return connect({ servers, user, pass: password });
}

/** What queue-manager says each second. */
function watchGauge(nats: NatsConnection): Gauge {
  let deferred = 0;
  let speaker = '';
  let ended: string | undefined;
  nats.subscribe('mta.status.queue-manager.>', {
    callback: (_, message) => {
      if (message.subject === ended) return;
      speaker = message.subject;
      deferred = message.json<{ deferred?: number }>().deferred ?? 0;
    },
  });
  return {
    get deferred() {
      return deferred;
    },
    restarted() {
      ended = speaker;
      deferred = 0;
    },
  };
}

async function reached(value: () => number, goal: number, say: (text: string) => void): Promise<void> {
  let said = performance.now();
  let [last, since] = [value(), performance.now()];
  while (value() < goal) {
    await pause(100);
    if (value() !== last) [last, since] = [value(), performance.now()];
    if (seconds(since) > withoutProgress)
      throw new Error(`${last} of ${goal} are deferred, and no more came`);
    if (seconds(said) > 30) {
      say(`  ${last} deferred`);
      said = performance.now();
    }
  }
}

/** As long as a takeover may last: `sink.reached` gives up before. */
async function arrives(sink: CountingSink, count: number): Promise<void> {
  while (sink.count() < count) await pause(50);
}

function queueManager(postrider: RunningPostrider): ProcessFigures {
  const found = postrider.processes().find(({ name }) => name === 'queue-manager');
  if (!found) throw new Error('no queue-manager runs');
  return found;
}

const seconds = (since: number): number => (performance.now() - since) / 1000;
const inMiB = (octets: number): string => `${(octets / 1024 / 1024).toFixed(0)} MiB`;
