/** `postrider demo crash`: load, and every process killed in turn; then the books are compared. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { runKills, type KillRow, type KillTarget } from '@postrider/testing';
import { table } from '../table.js';
import type { DemoWorld } from './world.js';

export interface CrashOptions {
  /** Mails a second; as fast as they are taken when absent. */
  readonly rate?: number;
  readonly rounds: number;
  /** Takes each line that tells how far it is. */
  readonly progress: (line: string) => void;
}

const killed = [
  'smtp-ingress',
  'queue-manager',
  'outbound-delivery',
  'dns-resolver',
  'alias-expander',
  'nats-server',
];

/** @returns one row a kill, the last for all at once */
export function crash(world: DemoWorld, options: CrashOptions): Promise<readonly KillRow[]> {
  const { rate, rounds, progress } = options;
  const pids = (name: string): readonly number[] => pidsOf(world.folder, name);
  const targets: KillTarget[] = killed.map((name) => ({ name, pids: () => pids(name) }));
  targets.push({ name: 'all at once', pids: () => killed.flatMap(pids) });
  return runKills({
    targets,
    rounds,
    sink: world.sink,
    load: {
      port: world.port,
      sessions: 10,
      sizeInOctets: 2000,
      to: 'load@ok.test',
      ...(rate === undefined ? {} : { perSecond: rate }),
    },
    onKill: (name, dead) => progress(`  kill -9 ${name} (pid ${dead.join(', ')})`),
    onRow: ({ secondsUntilMailFlows, accepted, lost }) =>
      progress(
        `    mail flows again after ${secondsUntilMailFlows.toFixed(1)} s; ${accepted} accepted, ${lost} lost`,
      ),
  });
}

export function crashTable(rows: readonly KillRow[]): string {
  const sum = (of: (row: KillRow) => number): string =>
    String(rows.reduce((total, row) => total + of(row), 0));
  return table([
    ['killed', 'seconds until mail flows', 'accepted', 'delivered', 'lost', 'twice'],
    ...rows.map(({ killed: name, secondsUntilMailFlows, accepted, delivered, lost, twice }) => [
      name,
      secondsUntilMailFlows.toFixed(1),
      ...[accepted, delivered, lost, twice].map(String),
    ]),
    [
      'total',
      '',
      sum(({ accepted }) => accepted),
      sum(({ delivered }) => delivered),
      sum(({ lost }) => lost),
      sum(({ twice }) => twice),
    ],
  ]);
}

/** A file a process, written by who starts it; a service may share its process with others. */
function pidsOf(folder: string, name: string): readonly number[] {
  const files = ['run', 'nats'].flatMap((part) => {
    const full = join(folder, 'var', part);
    return existsSync(full) ? readdirSync(full).map((file) => join(full, file)) : [];
  });
  const found = files.filter(
    (file) => file.endsWith('.pid') && basename(file, '.pid').split('+').includes(name),
  );
  return found.map((file) => Number(readFileSync(file, 'utf8'))).filter((pid) => pid > 0);
}
