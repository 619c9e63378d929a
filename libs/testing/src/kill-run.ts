/**
 * Kills processes one after the other under load and counts what came of each mail: the code of the kill tests and
 * of `postrider demo crash`. Who starts the killed ones again is not its business: a supervisor, or the target itself.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { startLoad, type LoadOptions, type LoadResult, type RunningLoad } from './load/load.js';
import type { Sink } from './sink/sink.js';
import { waitFor } from './wait-for.js';

export interface KillTarget {
  /** For the table: `smtp-ingress`, `all at once`. */
  readonly name: string;
  /** The processes to kill now; asked at the moment of the kill. */
  pids(): readonly number[];
  /** Starts them again where no supervisor does. */
  readonly restart?: () => Promise<void>;
}

export interface KillRow {
  readonly killed: string;
  /** From the kill until a mail that was begun after it is in the sink. */
  readonly secondsUntilMailFlows: number;
  /** Mails that got 250. */
  readonly accepted: number;
  /** Of these, those in the sink. */
  readonly delivered: number;
  /** accepted - delivered. */
  readonly lost: number;
  /** In the sink more than once. */
  readonly twice: number;
  /** The connection broke between the final dot and its reply; each may have come or not. */
  readonly unknown: number;
  /** The markers behind `lost` and `twice`, at most 20 of each. */
  readonly lostMarkers: readonly string[];
  readonly twiceMarkers: readonly string[];
}

export interface KillRunOptions {
  readonly targets: readonly KillTarget[];
  /** Where the load goes; its count and markers are the run's. */
  readonly load: Omit<LoadOptions, 'count' | 'markerPrefix' | 'markerHeader'>;
  /** Where the mails end. */
  readonly sink: { readonly received: Pick<Sink['received'], 'get' | 'has' | 'values'> };
  /** Kills of each target; default 1. */
  readonly rounds?: number;
  /** Mails at the sink before the kill; default 50. */
  readonly mailsBefore?: number;
  /** Load goes on this long once mail flows again, milliseconds; default 500. */
  readonly loadAfter?: number;
  /** Milliseconds until mail must flow again; default 60 s. */
  readonly flowWithin?: number;
  /** Milliseconds until all that was accepted must have arrived; default 90 s. */
  readonly drainWithin?: number;
  /** Is the queue empty? Asked at a row's end, so that late second copies are counted; default: 500 ms without mail. */
  readonly drained?: () => Promise<boolean>;
  /** Tells the markers of this run from others on the same sink; default `kill`. */
  readonly name?: string;
  readonly onKill?: (name: string, pids: readonly number[]) => void;
  readonly onRow?: (row: KillRow) => void;
}

const markersShown = 20;
const quietFor = 500;
const warmUpWithin = 60_000;

/**
 * @returns the rows in order, counted again at the end of the run: second copies may come late
 * @throws Error when a target has no process, or mail does not flow before or again after a kill
 */
export async function runKills(options: KillRunOptions): Promise<readonly KillRow[]> {
  const rows: { readonly row: KillRow; readonly load: LoadResult }[] = [];
  for (let round = 1; round <= (options.rounds ?? 1); round++) {
    for (const target of options.targets) {
      const entry = await killOnce(options, target, `${options.name ?? 'kill'}-${rows.length + 1}-`);
      rows.push(entry);
      options.onRow?.(entry.row);
    }
  }
  return rows.map(({ row, load }) => ({ ...row, ...countRow(load, options.sink) }));
}

async function killOnce(
  options: KillRunOptions,
  target: KillTarget,
  markerPrefix: string,
): Promise<{ readonly row: KillRow; readonly load: LoadResult }> {
  const load = startLoad({ ...options.load, markerPrefix });
  try {
    await warmUp(options, load, target);
    const killedAt = killNow(options, target);
    await target.restart?.();
    const secondsUntilMailFlows = await untilMailFlows(options, load, killedAt, target);
    await pause(options.loadAfter ?? 500);
    const result = await load.stop();
    await untilDrained(options, result);
    return {
      row: { killed: target.name, secondsUntilMailFlows, ...countRow(result, options.sink) },
      load: result,
    };
  } finally {
    await load.stop();
  }
}

async function warmUp(options: KillRunOptions, load: RunningLoad, target: KillTarget): Promise<void> {
  const { mailsBefore = 50, sink } = options;
  const arrived = (): boolean => countArrived(load, sink) >= mailsBefore;
  await waitFor(arrived, warmUpWithin, `${mailsBefore} mails at the sink before the kill of ${target.name}`);
}

function killNow(options: KillRunOptions, target: KillTarget): number {
  const pids = target.pids();
  if (pids.length === 0) throw new Error(`${target.name} has no process to kill`);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  options.onKill?.(target.name, pids);
  return performance.now();
}

/** Seconds until a mail whose MAIL was sent after the kill is in the sink. */
async function untilMailFlows(
  options: KillRunOptions,
  load: RunningLoad,
  killedAt: number,
  target: KillTarget,
): Promise<number> {
  const { sink, flowWithin = 60_000 } = options;
  // What was accepted before needs no second look: maps keep the order of entry.
  let looked = 0;
  const later: string[] = [];
  const flows = (): boolean => {
    let index = 0;
    for (const [marker, { begun }] of load.accepted) {
      if (index++ < looked) continue;
      if (begun > killedAt) later.push(marker);
    }
    looked = index;
    return later.some((marker) => sink.received.has(marker));
  };
  await waitFor(flows, flowWithin, `mail to flow again after the kill of ${target.name}`);
  return (performance.now() - killedAt) / 1000;
}

/** Waits for all that was accepted; what doesn't come in time is lost in the row. */
async function untilDrained(options: KillRunOptions, load: LoadResult): Promise<void> {
  const { sink, drainWithin = 90_000, drained } = options;
  const end = performance.now() + drainWithin;
  while (countArrived(load, sink) < load.accepted.size && performance.now() < end) await pause(20);
  if (drained === undefined) return untilQuiet(sink, end);
  while (!(await drained()) && performance.now() < end) await pause(50);
}

async function untilQuiet(sink: KillRunOptions['sink'], end: number): Promise<void> {
  let last = -1;
  while (copies(sink) !== last && performance.now() < end) {
    last = copies(sink);
    await pause(quietFor);
  }
}

function countRow(
  load: LoadResult,
  sink: KillRunOptions['sink'],
): Omit<KillRow, 'killed' | 'secondsUntilMailFlows'> {
  const accepted = [...load.accepted.keys()];
  const lost = accepted.filter((marker) => !sink.received.has(marker));
  const twice = [...accepted, ...load.unknown].filter((marker) => (sink.received.get(marker) ?? 0) > 1);
  return {
    accepted: accepted.length,
    delivered: accepted.length - lost.length,
    lost: lost.length,
    twice: twice.length,
    unknown: load.unknown.size,
    lostMarkers: lost.slice(0, markersShown),
    twiceMarkers: twice.slice(0, markersShown),
  };
}

function countArrived(load: LoadResult, sink: KillRunOptions['sink']): number {
  let arrived = 0;
  for (const marker of load.accepted.keys()) if (sink.received.has(marker)) arrived++;
  return arrived;
}

function copies(sink: KillRunOptions['sink']): number {
  let sum = 0;
  for (const times of sink.received.values()) sum += times;
  return sum;
}
