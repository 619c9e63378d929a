/**
 * Whether a disk takes a write, by writing: a quota, or a file system without inodes, shows in no figure of statfs(2).
 */
import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** As much as one write of the server takes at most. */
const octets = Buffer.alloc(1024 * 1024);
const noRoom = new Set(['ENOSPC', 'EDQUOT']);

/**
 * Makes a file of 1 MiB there and removes it. Costs a write of that size: only for when something has failed.
 * @returns false: there is no room. Any other failure says nothing about that
 */
export async function takesWrites(folder: string): Promise<boolean> {
  const file = join(folder, `room-${randomBytes(6).toString('hex')}`);
  try {
    await writeFile(file, octets);
    return true;
  } catch (error) {
    return !noRoom.has((error as NodeJS.ErrnoException).code ?? '');
  } finally {
    await rm(file, { force: true }).catch(() => undefined);
  }
}
