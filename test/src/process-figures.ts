/** CPU time and memory of a process and all under it, from /proc (proc(5)). */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';

export interface ProcessFigures {
  readonly pid: number;
  readonly name: string;
  /** User and system time so far, ended children included. */
  readonly cpuInMilliseconds: number;
  readonly memoryInOctets: number;
  readonly peakMemoryInOctets: number;
}

/** USER_HZ: 100 on every Linux that Node runs on. */
const millisecondsPerTick = 10;

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly ticks: number;
}

/** The process and its descendants that live now; processes that end meanwhile are left out. */
export function processTree(root: number): readonly ProcessFigures[] {
  const stats = readdirSync('/proc').flatMap((entry) =>
    /^[0-9]+$/.test(entry) ? readStat(Number(entry)) : [],
  );
  const members = new Set([root]);
  for (let grown = true; grown;) {
    const found = stats.filter(({ pid, parent }) => members.has(parent) && !members.has(pid));
    found.forEach(({ pid }) => members.add(pid));
    grown = found.length > 0;
  }
  return stats.filter(({ pid }) => members.has(pid)).flatMap(figuresOf);
}

/** Total CPU time of a tree, milliseconds. */
export const cpuOf = (tree: readonly ProcessFigures[]): number =>
  tree.reduce((sum, { cpuInMilliseconds }) => sum + cpuInMilliseconds, 0);

function readStat(pid: number): Stat[] {
  const text = read(`/proc/${pid}/stat`);
  if (text === undefined) return [];
  // Fields after the command name, which may hold anything but ends with the last bracket: state is the first.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const at = (index: number): number => Number(fields[index]);
  return [{ pid, parent: at(1), ticks: at(11) + at(12) + at(13) + at(14) }];
}

function figuresOf({ pid, ticks }: Stat): ProcessFigures[] {
  const status = read(`/proc/${pid}/status`);
  const command = read(`/proc/${pid}/cmdline`);
  if (status === undefined || command === undefined) return [];
  const octets = (key: string): number =>
    1024 * Number(new RegExp(`^${key}:\\s+([0-9]+) kB`, 'm').exec(status)?.[1] ?? 0);
  return [
    {
      pid,
      name: nameOf(command.split('\0')),
      cpuInMilliseconds: ticks * millisecondsPerTick,
      memoryInOctets: octets('VmRSS'),
      peakMemoryInOctets: octets('VmHWM'),
    },
  ];
}

/** `postrider.js run smtp-ingress` is smtp-ingress; others go by their program. */
function nameOf(command: readonly string[]): string {
  const run = command.indexOf('run');
  if (run > 0)
    return command
      .slice(run + 1)
      .filter((word) => /^[a-z][a-z-]*$/.test(word))
      .join('+');
  if (command.includes('standalone')) return 'standalone';
  return (command[0] ?? '').split(' ')[0]?.split('/').at(-1) ?? '';
}

/** Forgets the peak memory so far (proc(5), clear_refs 5), so that the next reading is the peak from now on. */
export function resetPeaks(tree: readonly ProcessFigures[]): void {
  for (const { pid } of tree) {
    try {
      writeFileSync(`/proc/${pid}/clear_refs`, '5');
    } catch {
      // It ended, or it isn't ours: then its peak counts from its start.
    }
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
