/** Purges large contents: those whose last envelope is done, and the orphans of sessions that broke off. */
import { isMailId, timeOfMailId, type MailId } from '@postrider/mail';
import { subjects } from './names.js';
import type { OwnedShard } from './owned-shard.js';

/** Parts of one envelope may still be on their way to the log when the first is done. */
const keptFor = 60_000;
/** DATA never lasts over an hour: an older content that no log knows has no envelope to come. */
const orphanAge = 24 * 3_600_000;
const orphansSoughtEvery = 3_600_000;

/** @returns what housekeeping calls each time */
export function largeContentSweep(shard: OwnedShard): () => Promise<void> {
  const { log, clock, streams, state, segments } = shard;
  let soughtAt = -Infinity;
  const purge = (contentId: MailId): Promise<void> =>
    log.purge(streams.content, subjects.chunksOf(shard.shard, contentId));

  const purgeDone = async (): Promise<void> => {
    for (;;) {
      const [done] = state.doneContents;
      if (!done || clock.monotonic() - done.since < keptFor) return;
      if (!state.usesLarge(done.contentId)) await purge(done.contentId);
      state.doneContents.shift();
    }
  };
  const purgeOrphans = async (): Promise<void> => {
    if (clock.monotonic() - soughtAt < orphansSoughtEvery) return;
    soughtAt = clock.monotonic();
    const all = await log.subjects(streams.content, subjects.content(shard.shard));
    const ids = new Set(all.map((subject) => subject.split('.').at(-2) ?? '').filter(isMailId));
    for (const contentId of ids)
      if (clock.now() - timeOfMailId(contentId) > orphanAge && !state.usesLarge(contentId))
        await purge(contentId);
  };
  return async () => {
    // Until all segments are read, and while one can't be, an envelope may be there that is not known.
    if (!segments.caughtUp || shard.damaged) return;
    await purgeDone();
    await purgeOrphans();
  };
}
