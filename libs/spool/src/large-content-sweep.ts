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
  const { log, clock, streams, state, segments, outcomes } = shard;
  let soughtAt = -Infinity;
  const purge = (contentId: MailId): Promise<void> =>
    log.purge(streams.content, subjects.chunksOf(shard.shard, contentId));

  /**
   * What is chosen stays unused. So what counts is that no other owner had the shard when it was chosen, and not how long
   * this one is paused before a purge, which no fence can refuse. @throws Fenced
   */
  const purgeAll = async (chosen: readonly MailId[]): Promise<void> => {
    if (chosen.length === 0) return;
    await outcomes.verify();
    for (const contentId of chosen) await purge(contentId);
  };
  const purgeDone = async (): Promise<void> => {
    const now = clock.monotonic();
    const young = state.doneContents.findIndex(({ since }) => now - since < keptFor);
    const done = state.doneContents.slice(0, young === -1 ? undefined : young);
    await purgeAll(done.map(({ contentId }) => contentId).filter((id) => !state.usesLarge(id)));
    state.doneContents.splice(0, done.length);
  };
  const purgeOrphans = async (): Promise<void> => {
    if (clock.monotonic() - soughtAt < orphansSoughtEvery) return;
    soughtAt = clock.monotonic();
    const all = await log.subjects(streams.content, subjects.content(shard.shard));
    const ids = new Set(all.map((subject) => subject.split('.').at(-2) ?? '').filter(isMailId));
    const old = (id: MailId): boolean => clock.now() - timeOfMailId(id) > orphanAge;
    await purgeAll([...ids].filter((id) => old(id) && !state.usesLarge(id)));
  };
  return async () => {
    // Until all segments are read, and while one can't be, an envelope may be there that is not known.
    if (!shard.replayIsRead || !segments.caughtUp || shard.damaged) return;
    await purgeDone();
    await purgeOrphans();
  };
}
