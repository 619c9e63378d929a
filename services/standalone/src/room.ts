/** Is there a place for mail: data_dir can be written, and how much of spool.max_size its disk can hold. */
import { accessSync, constants, existsSync, lstatSync, mkdirSync, readdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { StartError, type Config } from '@postrider/runtime';

/** Of the free disk, for our streams; the rest is a reserve for outcomes, logs and others (DESIGN §3 'Room'). */
const shareOfDisk = 0.8;
/** Less than this is no place for a spool. */
const leastSize = 16 * 1024 * 1024;

/** @throws StartError in one line */
export function checkDataDir(dataDir: string): void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    accessSync(dataDir, constants.W_OK | constants.X_OK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new StartError(
      `data_dir ${dataDir} can't be written (${code}): name another, or give this user the right`,
    );
  }
}

/**
 * What the spool may take: its setting, or less where the disk is small. What the streams use already is theirs.
 * @param free octets of the disk
 * @throws StartError when a new spool would have no place
 */
export function spoolSize({ data_dir: dataDir, spool }: Config, free = freeOf(dataDir)): number {
  const used = usedBelow(join(dataDir, 'nats/jetstream'));
  const size = Math.min(spool.max_size, Math.floor((free + used) * shareOfDisk));
  if (size >= leastSize) return size;
  if (used > 0) return leastSize;
  throw new StartError(`the disk of data_dir ${dataDir} has only ${Math.floor(free / 1024 / 1024)} MiB free`);
}

function freeOf(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

const blockInOctets = 512;

/** On the disk, all files together, octets; 0 when the folder is not there. */
function usedBelow(folder: string): number {
  if (!existsSync(folder)) return 0;
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    return sum + (entry.isDirectory() ? usedBelow(path) : lstatSync(path).blocks * blockInOctets);
  }, 0);
}
