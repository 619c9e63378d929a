/**
 * Taking a shard over (DESIGN §4): the fence on both logs first, then what the records say, then moves that a crash cut
 * short. What is live after it is in the shard's state; segments are read while mail is given out.
 */
import { unpackEnvelope, type MailRecord } from '@postrider/mail';
import { deferredMails, type DeferredAt, type DeferredMails } from './deferred-mails.js';
import { NewerFormat } from './frame.js';
import { subjects } from './names.js';
import type { MailState } from './open-recipients.js';
import type { OwnedShard } from './owned-shard.js';
import { decodeBundle, type LogEntry, type Replaying } from './record-frame.js';
import type { RecordsBefore } from './records-before.js';
import { replayDeferred, replayOutcomes, type ReplayedOutcomes } from './replay.js';
import { indexesOf } from './shard-state.js';
import type { SpooledMail } from './spool.js';

export interface TakenOver {
  /** What SPOOL says of mail in segments up to the epoch. */
  readonly records: RecordsBefore;
  readonly deferred: FoundDeferred;
}

/** @throws when the log can't be reached, or is of a newer format */
export async function takeOver(shard: OwnedShard): Promise<TakenOver> {
  const { log, streams, outcomes, deferState, contents, marks, quarantine } = shard;
  // Before the fence on DEFER: behind it a newer owner's may already be among them.
  const [deferContent, before] = await Promise.all([
    log.state(streams.deferContent),
    replayBefore(shard),
    quarantine.open(),
  ]);
  contents.surelyOlder = deferContent.lastSequence;
  for (const record of quarantine.records) shard.keepsUnread(record.log);
  marks.begin(before);
  outcomes.gathers = false;
  await Promise.all([outcomes.open(), deferState.open()]);
  deferState.epoch = outcomes.epoch;
  const spool = await replayOutcomes({
    log: shard.reader('outcome'),
    clock: shard.clock,
    stream: streams.spool,
    subject: subjects.outcome(shard.shard),
    upTo: outcomes.last,
    damaged: (sequence, text) => shard.damage({ log: 'outcome', sequence, text }),
  });
  const defer = await replayDeferred({
    log: shard.reader('defer'),
    clock: shard.clock,
    stream: streams.defer,
    subject: subjects.state(shard.shard),
    upTo: deferState.last,
    damaged: (sequence, text) => shard.damage({ log: 'defer', sequence, text }),
  });
  // Last, and from the leader: each read may have come from another replica, and one that lags still has what is
  // removed, though the record that ended it may be gone from the next. What stands before has ended, whoever shows it.
  const [spoolNow, deferNow] = await Promise.all([log.state(streams.spool), log.state(streams.defer)]);
  const first = { spool: spoolNow.firstSequence, defer: deferNow.firstSequence };
  shard.segments.next = first.spool;
  marks.givenOut(first.spool);
  const { mails } = defer;
  for (const [id, { sequence }] of mails) if (sequence < first.defer) mails.delete(id);
  for (const record of defer.others) spool.records.add(record);
  await finishMoves(shard, spool.records, { mails, spoolFirst: first.spool });
  const deferred = adoptDeferred(shard, mails, spool.records);
  adoptBorn(shard, { ...spool, born: spool.born.filter(({ sequence }) => sequence >= first.spool) });
  outcomes.gathers = true;
  return { records: spool.records, deferred };
}

/** How far the replay of the owner before us came, if it did not finish. */
async function replayBefore({ log, streams, shard }: OwnedShard): Promise<Replaying | undefined> {
  const last = await log.last(streams.spool, subjects.outcome(shard));
  try {
    return last && decodeBundle(last.payload).replaying;
  } catch (error) {
    if (error instanceof NewerFormat) throw error;
    // Reported when the outcomes are read.
    return undefined;
  }
}

/** A crash between 'put' and 'moved': the move is finished before the mail is tried from either place. */
async function finishMoves(
  shard: OwnedShard,
  records: RecordsBefore,
  { mails, spoolFirst }: { readonly mails: DeferredMails; readonly spoolFirst: number },
): Promise<void> {
  const at = shard.clock.now();
  const entries: LogEntry[] = [];
  for (const [id, { home }] of mails) {
    if (home < spoolFirst || records.moved(id)) continue;
    const record: MailRecord = { kind: 'moved', id, at };
    entries.push({ entry: 'record', record });
    records.add(record);
  }
  if (entries.length > 0) await shard.outcomes.write(entries);
}

/** What is left of them after what SPOOL says: a record written with a move that did not come to its put. */
function adoptDeferred(shard: OwnedShard, mails: DeferredMails, records: RecordsBefore): FoundDeferred {
  for (const [id, mail] of mails) {
    const { recipients, large, contentAt, sequence: pin, bornOctets } = mail;
    const state = records.finish(id, mail.state);
    if (state.open.length === 0) {
      mails.delete(id);
      continue;
    }
    if (state !== mail.state) mails.set(id, { ...mail, state });
    if (bornOctets === undefined) {
      const [open, contentOctets] = [indexesOf(state), mail.sizeInOctets];
      shard.state.putFound({ id, open, recipients, large, contentAt, pin, contentOctets });
    } else {
      const envelope = unpackEnvelope(mail.text, mail);
      shard.state.admit('defer', { envelope, state, pin, contentOctets: bornOctets });
    }
  }
  return new FoundDeferred(mails);
}

/** Given out once, each made whole only then; given up with the last of them. */
export class FoundDeferred implements Iterable<SpooledMail> {
  readonly length: number;
  #mails: DeferredMails;

  constructor(mails = deferredMails()) {
    this.#mails = mails;
    this.length = mails.size;
  }

  *[Symbol.iterator](): Generator<SpooledMail> {
    const mails = this.#mails;
    this.#mails = deferredMails();
    for (const [, mail] of mails) yield new SpooledDeferred(mail);
  }
}

function adoptBorn(shard: OwnedShard, { born, records }: ReplayedOutcomes): void {
  for (const { mail, sequence } of born) {
    const { id } = mail.envelope;
    const state = records.stateOf(mail.envelope);
    if (state.open.length === 0 || records.moved(id) || shard.state.live.has(id)) continue;
    shard.bear(mail, state, { place: 'spool', pin: sequence });
    shard.born.push(spooled(mail, state, 'spool'));
  }
}

class SpooledDeferred implements SpooledMail {
  readonly place = 'defer';
  readonly replayed = true;
  readonly packed: DeferredAt;
  readonly open: SpooledMail['open'];
  readonly held?: string;
  #mail: SpooledMail['mail'] | undefined;

  constructor(packed: DeferredAt) {
    const { open, held } = packed.state;
    this.packed = packed;
    this.open = open;
    if (held !== undefined) this.held = held;
  }

  get mail(): SpooledMail['mail'] {
    this.#mail ??= { envelope: unpackEnvelope(this.packed.text, this.packed) };
    return this.#mail;
  }
}

function spooled(
  mail: SpooledMail['mail'],
  { open, held }: MailState,
  place: SpooledMail['place'],
): SpooledMail {
  return { mail, open, place, replayed: true, ...(held === undefined ? {} : { held }) };
}
