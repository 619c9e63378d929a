/** What the commands on the store share. */
import type { Log } from '@postrider/spool';
import { streamsOf } from '@postrider/spool';

const spoolPrefix = streamsOf('').spool;

/** Shards by the streams that there are, in the order of their numbers. */
export async function spoolShards(log: Pick<Log, 'streams'>): Promise<readonly string[]> {
  const names = await log.streams();
  return names
    .flatMap((name) => (name.startsWith(spoolPrefix) ? [name.slice(spoolPrefix.length)] : []))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

export const pause = (time: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, time));
