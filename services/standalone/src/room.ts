/** Is there a place for mail: data_dir can be written, and how much of spool.max_size its disk can hold. */
import { accessSync, constants, existsSync, mkdirSync, statfsSync } from 'node:fs';
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

/** What the spool may take: its setting, or less where the disk is small. Streams that are there keep their room. */
export function spoolSize({ data_dir: dataDir, spool }: Config): number {
  if (existsSync(`${dataDir}/nats/jetstream`)) return spool.max_size;
  const { bavail, bsize } = statfsSync(dataDir);
  const size = Math.min(spool.max_size, Math.floor(bavail * bsize * shareOfDisk));
  if (size < leastSize)
    throw new StartError(
      `the disk of data_dir ${dataDir} has only ${Math.floor((bavail * bsize) / 1024 / 1024)} MiB free`,
    );
  return size;
}
