/**
 * `npm run bench -- --by-process`: what each service costs, in a process of its own (`--separate`): CPU a mail and peak
 * memory under each load, with idle sessions and with a large mail. The requests of k8s/base come from it.
 */
import { resetPeaks } from '../process-figures.js';
import type { CountingSink } from '../smtp-sink.js';
import { measureLoad, type Load } from './load.js';
import { measureIdleSessions, measureLargeMail } from './memory.js';
import { startPostriderForBench, type SystemUnderTest } from './systems.js';

export interface ProcessCosts {
  readonly process: string;
  /** Before anything came. */
  readonly idleInOctets: number;
  /** The most, whatever came. */
  readonly peakInOctets: number;
  /** By load. */
  readonly cpuPerMailInMilliseconds: Readonly<Record<string, number>>;
}

interface Setup {
  readonly port: number;
  readonly sinkPort: number;
  readonly sink: CountingSink;
  readonly idleSessions: number;
  readonly largeMailInOctets: number;
}

/** @param loads by name */
export async function measureByProcess(
  loads: Readonly<Record<string, Load>>,
  { port, sinkPort, sink, idleSessions, largeMailInOctets }: Setup,
  say: (text: string) => void,
): Promise<readonly ProcessCosts[]> {
  const postrider = await startPostriderForBench(port, sinkPort, ['--separate']);
  try {
    const idle = postrider.processes();
    resetPeaks(idle);
    const costs = new Map<string, Record<string, number>>();
    for (const [name, load] of Object.entries(loads)) {
      say(`  ${name}: ${load.mails} mails, and as many to warm up`);
      await measureLoad(postrider, sink, load);
      for (const [pid, cost] of await cpuByProcess(postrider, sink, load))
        costs.set(pid, { ...costs.get(pid), [name]: cost });
    }
    const peaks = new Map(
      postrider.processes().map(({ name, peakMemoryInOctets }) => [name, peakMemoryInOctets]),
    );
    say(`  ${idleSessions} idle sessions and a large mail`);
    const large = await measureLargeMail(postrider, sink, largeMailInOctets);
    for (const { process, peakInOctets } of [
      ...large,
      ...(await measureIdleSessions(postrider, idleSessions)),
    ])
      peaks.set(process, Math.max(peaks.get(process) ?? 0, peakInOctets));
    return idle.map(({ name, memoryInOctets }) => ({
      process: name,
      idleInOctets: memoryInOctets,
      peakInOctets: peaks.get(name) ?? Number.NaN,
      cpuPerMailInMilliseconds: costs.get(name) ?? {},
    }));
  } finally {
    await postrider.stop();
  }
}

/** Milliseconds a mail, by process. */
async function cpuByProcess(
  system: SystemUnderTest,
  sink: CountingSink,
  load: Load,
): Promise<ReadonlyMap<string, number>> {
  const before = new Map(system.processes().map(({ name, cpuInMilliseconds }) => [name, cpuInMilliseconds]));
  await measureLoad(system, sink, load);
  const costOf = (name: string, now: number): number => (now - (before.get(name) ?? now)) / load.mails;
  return new Map(
    system.processes().map(({ name, cpuInMilliseconds }) => [name, costOf(name, cpuInMilliseconds)]),
  );
}
