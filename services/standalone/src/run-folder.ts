/**
 * `<data_dir>/run`: a file with the pid of each process, for people and for the next supervisor. One supervisor holds a
 * data_dir at a time; services that outlived theirs are ended before their successors start.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { StartError } from '@postrider/runtime';

/** In the environment of every child: shows whose it is. */
export const runFolderVariable = 'POSTRIDER_RUN_FOLDER';

const lockName = 'standalone.lock';
/** They drain when their supervisor is gone; normally they have ended long before. */
const leftOverEndsWithin = 5_000;

export class RunFolder {
  readonly path: string;

  /** @throws StartError while another supervisor holds this data_dir */
  constructor(dataDir: string) {
    this.path = join(dataDir, 'run');
    mkdirSync(this.path, { recursive: true, mode: 0o700 });
    const holder = holderOf(join(this.path, lockName));
    if (holder !== undefined)
      throw new StartError(`data_dir ${dataDir} is in use by another postrider (pid ${holder})`);
    writeFileSync(join(this.path, lockName), `${process.pid} ${startedAt(process.pid) ?? ''}\n`, {
      mode: 0o600,
    });
    this.wrote('standalone', process.pid);
  }

  wrote(name: string, pid: number): void {
    writeFileSync(this.#file(name), `${pid}\n`, { mode: 0o600 });
  }

  ended(name: string): void {
    rmSync(this.#file(name), { force: true });
  }

  /** Ends services of an earlier supervisor: in order if they do so, else at once. */
  async endLeftOver(): Promise<void> {
    const names = readdirSync(this.path).filter((name) => name.endsWith('.pid'));
    const pids = names.map((name) => Number(readFileSync(join(this.path, name), 'utf8')));
    const end = Date.now() + leftOverEndsWithin;
    const left = (): number[] => pids.filter((pid) => isChildOf(this.path, pid));
    for (const pid of left()) send(pid, 'SIGTERM');
    while (left().length > 0 && Date.now() < end) await pause(25);
    for (const pid of left()) send(pid, 'SIGKILL');
    while (left().length > 0) await pause(25);
  }

  release(): void {
    this.ended('standalone');
    rmSync(join(this.path, lockName), { force: true });
  }

  #file(name: string): string {
    return join(this.path, `${name}.pid`);
  }
}

/** The pid in a lock, if that very process still runs: the same pid started at the same time. */
function holderOf(lock: string): number | undefined {
  if (!existsSync(lock)) return undefined;
  const [pid = 0, started] = readFileSync(lock, 'utf8').trim().split(' ').map(Number);
  return pid !== process.pid && started !== undefined && startedAt(pid) === started ? pid : undefined;
}

/** proc(5), stat, field 22: ticks since the machine's start. */
function startedAt(pid: number): number | undefined {
  const stat = read(`/proc/${pid}/stat`);
  // Fields after the command name, which may hold anything but ends with the last bracket.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields && fields[0] !== 'Z' ? Number(fields[19]) : undefined;
}

function isChildOf(folder: string, pid: number): boolean {
  return read(`/proc/${pid}/environ`)?.split('\0').includes(`${runFolderVariable}=${folder}`) ?? false;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended between the look and the signal.
  }
}
