/** The bench's result as people read it. */
import type { SystemFigures } from './main.js';
import type { ProcessCosts } from './by-process.js';
import type { ProtocolFigures } from './protocol.js';
import type { ScaleRow } from './scale.js';

export function printTable(results: readonly SystemFigures[]): void {
  const [ours, ...peers] = results;
  if (!ours) return;
  const rows: string[][] = [['question', ours.system, ...peers.flatMap(({ system }) => [system, 'ratio'])]];
  const row = (
    name: string,
    of: (figures: SystemFigures) => number,
    digits: number,
    better: 'more' | 'less',
  ): void => {
    const own = of(ours);
    const besides = peers.map(of).flatMap((peer) => {
      const ratio = better === 'more' ? own / peer : peer / own;
      return [peer.toFixed(digits), `${ratio.toFixed(1)} x`];
    });
    rows.push([name, own.toFixed(digits), ...besides]);
  };
  for (const name of Object.keys(ours.loads)) {
    const load = (figures: SystemFigures) => figures.loads[name] ?? missing;
    row(`${name}: end to end, mails/s`, (figures) => load(figures).endToEndPerSecond, 0, 'more');
    row('  accepted, mails/s', (figures) => load(figures).acceptPerSecond, 0, 'more');
    row('  CPU a mail, ms', (figures) => load(figures).cpuPerMailInMilliseconds, 2, 'less');
  }
  row('one mail at a time: 250 after the final dot, p50 ms', ({ latency }) => latency.accept.p50, 1, 'less');
  row('  p99 ms', ({ latency }) => latency.accept.p99, 1, 'less');
  row('one mail at a time: in the sink, p50 ms', ({ latency }) => latency.delivered.p50, 1, 'less');
  row('  p99 ms', ({ latency }) => latency.delivered.p99, 1, 'less');
  print(rows);
  printMemory(ours);
}

/** What a worker more, and a queue-manager more, brings. */
export function printScale(rows: readonly ScaleRow[]): void {
  print([
    ['queue-managers, workers', 'mails/s', 'of one', 'CPU a mail, ms'],
    ...rows.map(({ queueManagers, workers, mailsPerSecond, cpuPerMailInMilliseconds }) => [
      `${queueManagers}, ${workers}`,
      mailsPerSecond.toFixed(0),
      `${(mailsPerSecond / (rows[0]?.mailsPerSecond ?? Number.NaN)).toFixed(1)} x`,
      cpuPerMailInMilliseconds.toFixed(2),
    ]),
  ]);
}

const missing = {
  acceptPerSecond: Number.NaN,
  endToEndPerSecond: Number.NaN,
  cpuPerMailInMilliseconds: Number.NaN,
};

/** Of each process: memory, and CPU a mail under each load. */
export function printCosts(costs: readonly ProcessCosts[]): void {
  const loads = Object.keys(costs[0]?.cpuPerMailInMilliseconds ?? {});
  print([
    ['process', 'idle MiB', 'peak MiB', ...loads.map((load) => `CPU ms: ${load}`)],
    ...costs.map(({ process, idleInOctets, peakInOctets, cpuPerMailInMilliseconds: cpu }) => [
      process,
      mega(idleInOctets),
      mega(peakInOctets),
      ...loads.map((load) => (cpu[load] ?? Number.NaN).toFixed(2)),
    ]),
  ]);
}

const mega = (octets: number): string => (octets / 1024 / 1024).toFixed(0);

function printMemory({ idleSessions = [], largeMail = [] }: SystemFigures): void {
  print([
    ['memory in MiB', 'before', 'peak with 1,000 idle sessions', 'before', 'peak with a mail of 50 MB'],
    ...idleSessions.map(({ process, idleInOctets, peakInOctets }) => {
      const large = largeMail.find((figures) => figures.process === process);
      return [
        process,
        mega(idleInOctets),
        mega(peakInOctets),
        mega(large?.idleInOctets ?? 0),
        mega(large?.peakInOctets ?? 0),
      ];
    }),
  ]);
}

/** Ours beside the best of the others, and what the sockets and the load would let through. */
export function printProtocol(figures: readonly ProtocolFigures[]): void {
  const [first] = figures;
  if (!first) return;
  const names = Object.keys(first.acceptedPerSecond);
  print([
    ['protocol alone, 100 sessions: accepted, mails/s', ...names, 'ratio', 'bound'],
    ...figures.map(({ question, acceptedPerSecond, boundPerSecond }) => {
      const [own = Number.NaN, ...others] = names.map((name) => acceptedPerSecond[name] ?? Number.NaN);
      const ratio = `${(own / Math.max(...others)).toFixed(1)} x`;
      const rates = [own, ...others].map((rate) => rate.toFixed(0));
      return [question, ...rates, ratio, boundPerSecond.toFixed(0)];
    }),
  ]);
}

function print(rows: readonly string[][]): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  process.stdout.write('\n');
  for (const row of rows) {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
    );
    process.stdout.write(`${cells.join('  ')}\n`);
  }
}
