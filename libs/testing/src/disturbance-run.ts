/**
 * Disturbs a system under load, one way after the other, and counts what came of each mail: the loop of the kill
 * tests, of `postrider demo crash` and of the cluster test. What a disturbance is, and who mends it, is not its business.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { startLoad, type LoadOptions, type LoadResult, type RunningLoad } from './load/load.js';
import type { Sink } from './sink/sink.js';
import { waitFor } from './wait-for.js';

export interface Disturbance {
  /** For the table: `kill -9 of the stream leader`. */
  readonly name: string;
  /** Happens under load; the load goes on until it resolves and mail flows. */
  happen(): Promise<void>;
}

export interface DisturbanceRow {
  readonly name: string;
  /** From its begin until a mail that was begun after it is in the sink. */
  readonly secondsUntilMailFlows: number;
  /** The longest time of a client from a mail's first try to its 250, tries with 4xx and broken connections included. */
  readonly longestWaitInSeconds: number;
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
  /** 4xx replies, after which the client tried again. */
  readonly temporaries: number;
  /** The markers behind `lost` and `twice`, at most 20 of each. */
  readonly lostMarkers: readonly string[];
  readonly twiceMarkers: readonly string[];
}

export interface DisturbanceRunOptions {
  readonly disturbances: readonly Disturbance[];
  /** Where the load goes; its count and markers are the run's. */
  readonly load: Omit<LoadOptions, 'count' | 'markerPrefix' | 'markerHeader'>;
  /** Where the mails end. */
  readonly sink: { readonly received: Pick<Sink['received'], 'get' | 'has' | 'values'> };
  /** Each disturbance so often; default 1. */
  readonly rounds?: number;
  /** Mails at the sink before it; default 50. */
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
  /** What is counted so far, and what each client was told. */
  readonly onRow?: (row: DisturbanceRow, load: LoadResult) => void;
}

const markersShown = 20;
const quietFor = 500;
const warmUpWithin = 60_000;

/**
 * @returns the rows in order, counted again at the end of the run: second copies may come late
 * @throws Error when mail does not flow before or again after a disturbance, and what a disturbance throws
 */
export async function runDisturbances(options: DisturbanceRunOptions): Promise<readonly DisturbanceRow[]> {
  const rows: { readonly row: DisturbanceRow; readonly load: LoadResult }[] = [];
  for (let round = 1; round <= (options.rounds ?? 1); round++) {
    for (const disturbance of options.disturbances) {
      const entry = await disturbOnce(options, disturbance, `${options.name ?? 'kill'}-${rows.length + 1}-`);
      rows.push(entry);
      options.onRow?.(entry.row, entry.load);
    }
  }
  return rows.map(({ row, load }) => ({ ...row, ...countRow(load, options.sink) }));
}

async function disturbOnce(
  options: DisturbanceRunOptions,
  disturbance: Disturbance,
  markerPrefix: string,
): Promise<{ readonly row: DisturbanceRow; readonly load: LoadResult }> {
  const load = startLoad({ ...options.load, markerPrefix });
  try {
    await warmUp(options, load, disturbance);
    const begunAt = performance.now();
    const [secondsUntilMailFlows] = await Promise.all([
      untilMailFlows(options, load, begunAt, disturbance),
      disturbance.happen(),
    ]);
    await pause(options.loadAfter ?? 500);
    const result = await load.stop();
    await untilDrained(options, result);
    return {
      row: { name: disturbance.name, secondsUntilMailFlows, ...countRow(result, options.sink) },
      load: result,
    };
  } finally {
    await load.stop();
  }
}

async function warmUp(
  options: DisturbanceRunOptions,
  load: RunningLoad,
  disturbance: Disturbance,
): Promise<void> {
  const { mailsBefore = 50, sink } = options;
  const arrived = (): boolean => countArrived(load, sink) >= mailsBefore;
  await waitFor(arrived, warmUpWithin, `${mailsBefore} mails at the sink before: ${disturbance.name}`);
}

/** Seconds until a mail whose MAIL was sent after the begin is in the sink. */
async function untilMailFlows(
  options: DisturbanceRunOptions,
  load: RunningLoad,
  begunAt: number,
  disturbance: Disturbance,
): Promise<number> {
  const { sink, flowWithin = 60_000 } = options;
  // What was accepted before needs no second look: maps keep the order of entry.
  let looked = 0;
  const later: string[] = [];
  const flows = (): boolean => {
    let index = 0;
    for (const [marker, { begun }] of load.accepted) {
      if (index++ < looked) continue;
      if (begun > begunAt) later.push(marker);
    }
    looked = index;
    return later.some((marker) => sink.received.has(marker));
  };
  await waitFor(flows, flowWithin, `mail to flow again after: ${disturbance.name}`);
  return (performance.now() - begunAt) / 1000;
}

/** Waits for all that was accepted; what doesn't come in time is lost in the row. */
async function untilDrained(options: DisturbanceRunOptions, load: LoadResult): Promise<void> {
  const { sink, drainWithin = 90_000, drained } = options;
  const end = performance.now() + drainWithin;
  while (countArrived(load, sink) < load.accepted.size && performance.now() < end) await pause(20);
  if (drained === undefined) return untilQuiet(sink, end);
  while (!(await drained()) && performance.now() < end) await pause(50);
}

async function untilQuiet(sink: DisturbanceRunOptions['sink'], end: number): Promise<void> {
  let last = -1;
  while (copies(sink) !== last && performance.now() < end) {
    last = copies(sink);
    await pause(quietFor);
  }
}

function countRow(
  load: LoadResult,
  sink: DisturbanceRunOptions['sink'],
): Omit<DisturbanceRow, 'name' | 'secondsUntilMailFlows'> {
  const accepted = [...load.accepted.keys()];
  const lost = accepted.filter((marker) => !sink.received.has(marker));
  const twice = [...accepted, ...load.unknown].filter((marker) => (sink.received.get(marker) ?? 0) > 1);
  const waits = [...load.accepted.values()].map(({ first, done }) => done - first);
  return {
    longestWaitInSeconds: waits.reduce((longest, wait) => Math.max(longest, wait), 0) / 1000,
    accepted: accepted.length,
    delivered: accepted.length - lost.length,
    lost: lost.length,
    twice: twice.length,
    unknown: load.unknown.size,
    temporaries: load.temporaries,
    lostMarkers: lost.slice(0, markersShown),
    twiceMarkers: twice.slice(0, markersShown),
  };
}

function countArrived(load: LoadResult, sink: DisturbanceRunOptions['sink']): number {
  let arrived = 0;
  for (const marker of load.accepted.keys()) if (sink.received.has(marker)) arrived++;
  return arrived;
}

function copies(sink: DisturbanceRunOptions['sink']): number {
  let sum = 0;
  for (const times of sink.received.values()) sum += times;
  return sum;
}
