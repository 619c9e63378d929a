/** What an owner does beside mail: truncates, cleans DEFER, purges large contents that are done, finds what pins too much. */
import type { Clock } from '@postrider/actor';
import { isMailId, timeOfMailId, type MailId } from '@postrider/mail';
import type { Log } from './log.js';
import { streamsOf, subjects } from './names.js';
import type { LogOwner } from './owner.js';
import { applyRecord, type MailState } from './open-recipients.js';
import type { DeferredMail } from './record-frame.js';
import { entriesOf } from './replay.js';

interface HouseContext {
  readonly log: Log;
  readonly clock: Clock;
}

/** A mail that pins SPOOL for longer goes to DEFER (DESIGN §3). */
const pinsAtMost = 300_000;
/** ... as does the oldest mail when SPOOL holds more than this share of its room. */
const pinnedShare = 0.1;
const movedAtOnce = 2_000;
/** Parts of one envelope may still be on their way to the log when the first is done. */
const contentKeptFor = 60_000;
/** Chunks without an envelope: DATA never lasts that long. */
const orphanAge = 24 * 3_600_000;
const orphansSoughtEvery = 3_600_000;
/** DEFER is cleaned when it is larger than this and less than half of it is live. */
const cleanedOver = 16 * 1024 * 1024;
const copiedAtOnce = 1_000;

const orphansSought = new WeakMap<LogOwner, number>();

export async function keepHouse(
  context: HouseContext,
  owner: LogOwner,
  pinned: (ids: readonly MailId[]) => void,
): Promise<void> {
  await truncate(context, owner);
  await cleanDefer(context, owner);
  await purgeContents(context, owner);
  const ids = pinningTooMuch(context, owner);
  if (ids.length > 0) pinned(ids);
}

/** Up to the oldest message that this owner has read and that still has live mail; never past its last own record. */
async function truncate({ log }: HouseContext, { shard, state, segments, contents, outcomes, deferState, used }: LogOwner): Promise<void> {
  const names = streamsOf(shard);
  const marks: readonly (readonly [stream: string, before: number])[] = [
    [names.spool, Math.min(state.pins.spool.oldest(), segments.next, outcomes.last)],
    [names.defer, Math.min(state.pins.defer.oldest(), deferState.last)],
    [names.deferContent, Math.min(state.pins.deferContent.oldest(), contents.written + 1)],
  ];
  for (const [stream, before] of marks) {
    const { firstSequence, octets, maxOctets } = await log.state(stream);
    if (before > firstSequence) await log.truncate(stream, before);
    if (stream === names.spool) [used.spool, used.spoolMax] = [octets, maxOctets];
    else if (stream === names.defer) used.defer = octets;
    else used.deferContent = octets;
  }
  used.content = (await log.state(names.content)).octets;
}

/** The oldest live mails are written again at the end, so that the dead between them can be truncated. */
async function cleanDefer({ log }: HouseContext, owner: LogOwner): Promise<void> {
  const { state, used } = owner;
  const stateOctets = state.deferred.mails * 600;
  const wasteful =
    (used.deferContent > cleanedOver && state.deferred.contentOctets < used.deferContent / 2) ||
    (used.defer > cleanedOver && stateOctets < used.defer / 2);
  if (!wasteful || state.deferred.mails === 0) return;
  const deferred = [...state.live].filter(([, { place, contentAt }]) => place === 'defer' && contentAt !== 'record');
  const oldest = deferred.sort(([, a], [, b]) => a.pin - b.pin).slice(0, copiedAtOnce);
  owner.cleaning = new Set(oldest.map(([id]) => id));
  const states = await statesOf(log, owner);
  await Promise.all([...states].map(([id, deferredState]) => copyForward(owner, id, deferredState)));
  owner.cleaning.clear();
}

/** One pass over DEFER's state, for those that are to be copied. */
async function statesOf(log: Log, owner: LogOwner): Promise<ReadonlyMap<MailId, DeferredState>> {
  const { shard, deferState, cleaning } = owner;
  const states = new Map<MailId, DeferredState>();
  const passed = (): void => undefined;
  for await (const { entry } of entriesOf(log, streamsOf(shard).defer, subjects.state(shard), deferState.last, passed)) {
    if (entry.entry === 'put' && cleaning.has(entry.deferred.envelope.id)) {
      const { open, held, envelope } = entry.deferred;
      states.set(envelope.id, { put: entry.deferred, state: held === undefined ? { open } : { open, held } });
    }
    const known = entry.entry === 'record' ? states.get(entry.record.id) : undefined;
    if (known && entry.entry === 'record') states.set(entry.record.id, { ...known, state: applyRecord(known.state, entry.record) });
  }
  return states;
}

/** What a mail's put and the records since say of it. */
interface DeferredState {
  readonly put: DeferredMail;
  readonly state: MailState;
}

async function copyForward(owner: LogOwner, id: MailId, { put, state }: DeferredState): Promise<void> {
  const live = owner.state.live.get(id);
  if (!live) return;
  const content = put.contentAt === undefined ? undefined : await owner.contents.read(put.contentAt);
  const contentAt = content === undefined ? undefined : await owner.contents.write(id, content);
  // A record came, or it has ended: then what was read is no longer true, and another round will do it.
  if (owner.cleaning.has(id)) {
    const { envelope } = put;
    const copy: DeferredMail = { envelope, ...state, home: 0, ...(contentAt === undefined ? {} : { contentAt }) };
    const sequence = await owner.deferState.write([{ entry: 'put', deferred: copy }]);
    if (owner.state.live.get(id) === live) owner.state.put(copy, sequence, content?.length ?? 0);
  }
  if (contentAt) owner.contents.named(contentAt);
}

async function purgeContents({ log, clock }: HouseContext, owner: LogOwner): Promise<void> {
  const { shard, state, segments } = owner;
  if (!segments.caughtUp) return;
  const { content } = streamsOf(shard);
  const now = clock.monotonic();
  while (state.doneContents[0] && now - state.doneContents[0].since > contentKeptFor) {
    const done = state.doneContents.shift();
    if (done && !state.usesLarge(done.contentId)) await log.purge(content, subjects.chunksOf(shard, done.contentId));
  }
  if (now - (orphansSought.get(owner) ?? -Infinity) < orphansSoughtEvery) return;
  orphansSought.set(owner, now);
  for (const contentId of await contentIds(log, shard)) {
    if (clock.now() - timeOfMailId(contentId) < orphanAge || state.usesLarge(contentId)) continue;
    await log.purge(content, subjects.chunksOf(shard, contentId));
  }
}

async function contentIds(log: Log, shard: string): Promise<ReadonlySet<MailId>> {
  const all = await log.subjects(streamsOf(shard).content, subjects.content(shard));
  return new Set(all.map((subject) => subject.split('.').at(-2) ?? '').filter(isMailId));
}

function pinningTooMuch({ clock }: HouseContext, { state, used }: LogOwner): readonly MailId[] {
  const now = clock.monotonic();
  const crowded = used.spoolMax > 0 && used.spool > used.spoolMax * pinnedShare;
  const ids: MailId[] = [];
  for (const [id, { place, since }] of state.live) {
    if (place !== 'spool') continue;
    if (now - since > pinsAtMost || (crowded && now - since > pinsAtMost / 10)) ids.push(id);
    if (ids.length >= movedAtOnce) break;
  }
  return ids;
}
