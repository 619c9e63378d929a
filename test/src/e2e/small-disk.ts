/** A disk of 256 MiB under a Postrider's data, to be filled: needs the right to mount, as root has outside of most containers. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmdirSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostrider, type RunningPostrider } from '../running-postrider.js';

const mebibyte = 1024 * 1024;

const mount = (folder: string, options: readonly string[]): Buffer =>
  execFileSync('mount', ['-t', 'tmpfs', ...options, 'postrider-test', folder], { stdio: 'pipe' });

export function mayMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-mount-'));
  try {
    mount(folder, []);
    execFileSync('umount', [folder]);
    return true;
  } catch {
    return false;
  } finally {
    rmdirSync(folder);
  }
}

/** Starts it with its data there. @param options of tmpfs besides the size @param act with the disk's folder; Postrider is stopped after it */
export async function onSmallDisk(
  { settings, options = [] }: { readonly settings: readonly string[]; readonly options?: readonly string[] },
  act: (postrider: RunningPostrider, disk: string) => Promise<void>,
): Promise<void> {
  const postrider = await startPostrider(settings);
  await postrider.stop();
  const disk = join(postrider.folder, 'var');
  mount(disk, ['-o', ['size=256m', ...options].join(',')]);
  try {
    await postrider.start();
    await act(postrider, disk);
  } finally {
    await postrider.stop();
    execFileSync('umount', [disk]);
    await postrider.remove();
  }
}

/** Takes the disk's room until only so much is left. @param leftInOctets 0: until a write finds none */
export function fill(file: string, folder: string, leftInOctets: number): void {
  const handle = openSync(file, 'w');
  const free = (): number => {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize - leftInOctets;
  };
  try {
    for (let left = free(); left > 0 || leftInOctets === 0; left = free())
      writeSync(handle, Buffer.alloc(Math.max(1, Math.min(left, mebibyte))));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(handle);
  }
}
