/**
 * Kills processes one after the other under load and counts what came of each mail: the code of the kill tests and
 * of `postrider demo crash`. Who starts the killed ones again is not its business: a supervisor, or the target itself.
 */
import {
  runDisturbances,
  type Disturbance,
  type DisturbanceRow,
  type DisturbanceRunOptions,
} from './disturbance-run.js';

export interface KillTarget {
  /** For the table: `smtp-ingress`, `all at once`. */
  readonly name: string;
  /** The processes to kill now; asked at the moment of the kill. */
  pids(): readonly number[];
  /** Starts them again where no supervisor does. */
  readonly restart?: () => Promise<void>;
}

export interface KillRow extends Omit<DisturbanceRow, 'name'> {
  readonly killed: string;
}

export interface KillRunOptions extends Omit<DisturbanceRunOptions, 'disturbances' | 'onRow'> {
  readonly targets: readonly KillTarget[];
  readonly onKill?: (name: string, pids: readonly number[]) => void;
  readonly onRow?: (row: KillRow) => void;
}

/**
 * @returns the rows in order, counted again at the end of the run: second copies may come late
 * @throws Error when a target has no process, or mail does not flow before or again after a kill
 */
export async function runKills(options: KillRunOptions): Promise<readonly KillRow[]> {
  const { targets, onKill, onRow, ...others } = options;
  const rows = await runDisturbances({
    ...others,
    disturbances: targets.map((target) => kill(target, onKill)),
    onRow: (row) => onRow?.(killRow(row)),
  });
  return rows.map(killRow);
}

function kill(target: KillTarget, onKill: KillRunOptions['onKill']): Disturbance {
  return {
    name: target.name,
    happen: async () => {
      const pids = target.pids();
      if (pids.length === 0) throw new Error(`${target.name} has no process to kill`);
      for (const pid of pids) process.kill(pid, 'SIGKILL');
      onKill?.(target.name, pids);
      await target.restart?.();
    },
  };
}

const killRow = ({ name, ...row }: DisturbanceRow): KillRow => ({ killed: name, ...row });
