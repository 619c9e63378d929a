/**
 * One process at a time changes a file. The lock is a symbolic link beside it that names its holder, `pid@place`: made
 * only where there is none, and whole at once. That of a process that is dead is removed, by one process at a time, too.
 */
import { readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as after } from 'node:timers/promises';

const retryInMilliseconds = 20;
const waitsInMilliseconds = 10_000;

/** Where a pid means one process: containers may share a host's name (pid_namespaces(7)). */
const place = `${hostname()}/${namespaceOf()}`;
const self = `${process.pid}@${place}`;

/** Another process holds it, and goes on doing so. */
export class FileLocked extends Error {}

/**
 * @param act synchronous, so that the lock is short
 * @param waits milliseconds, for others that hold it
 * @throws FileLocked when they do so for longer
 */
export async function withFileLock<T>(file: string, act: () => T, waits = waitsInMilliseconds): Promise<T> {
  const lock = `${file}.lock`;
  const until = performance.now() + waits;
  while (!isMade(lock)) {
    const holder = holderOf(lock);
    // Looked at again then: another may have removed it, and it is somebody's who lives.
    if (isDead(holder)) await withFileLock(lock, () => isDead(holderOf(lock)) && rmSync(lock), waits);
    else if (performance.now() < until) await after(retryInMilliseconds);
    else throw new FileLocked(`${lock} is held by ${holder ?? 'another process'}: remove it if that is gone`);
  }
  try {
    return act();
  } finally {
    // Somebody may have removed it by hand, and another have made one since.
    if (holderOf(lock) === self) rmSync(lock, { force: true });
  }
}

function namespaceOf(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

function isMade(lock: string): boolean {
  try {
    symlinkSync(self, lock);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** @returns undefined when it is gone */
function holderOf(lock: string): string | undefined {
  try {
    return readlinkSync(lock);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Of another host, or container, nobody here can tell. */
function isDead(holder = ''): boolean {
  const [, pid, where] = /^([0-9]+)@(.*)$/.exec(holder) ?? [];
  if (pid === undefined || where !== place) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return hasCode(error, 'ESRCH');
  }
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code;
