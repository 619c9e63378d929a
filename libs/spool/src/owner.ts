/**
 * The owner of a shard (DESIGN §3, §4): replays its logs, gives out live mail, writes what becomes of it, moves to DEFER
 * what must wait, and truncates what is done.
 */
import { isFinal, type MailId, type MailObject, type MailRecord } from '@postrider/mail';
import { NewerFormat } from './frame.js';
import { Housekeeping } from './housekeeping.js';
import { subjects } from './names.js';
import { OwnedShard, type OwnedShardOptions } from './owned-shard.js';
import { contentOf } from './content-of.js';
import type { LogEntry } from './record-frame.js';
import { RecordsBefore } from './records-before.js';
import type { SegmentMail } from './segments.js';
import type { Place } from './live-mails.js';
import { release } from './setting-aside.js';
import {
  ContentMissing,
  Fenced,
  type QuarantinedRecord,
  type Released,
  type ShardOwner,
  type SpooledMail,
} from './spool.js';
import { FoundDeferred, takeOver } from './takeover.js';

/** A process has ten seconds to end. */
const closesWithin = 5_000;

/** @throws when the log can't be reached, or is of a newer format */
export async function ownShard(options: OwnedShardOptions): Promise<ShardOwner> {
  const owner = new LogOwner(options);
  await owner.takeOver();
  return owner;
}

class LogOwner implements ShardOwner {
  readonly shard: string;
  deferred = new FoundDeferred();
  readonly #options: OwnedShardOptions;
  readonly #owned: OwnedShard;
  readonly #house: Housekeeping;
  #recordsBefore = new RecordsBefore();
  /** Segments up to here may have records that were replayed; 0 once all of them have been read. */
  #replayedUpTo = 0;
  #ended: Error | undefined;

  constructor(options: OwnedShardOptions) {
    this.#options = options;
    this.shard = options.shard;
    this.#owned = new OwnedShard(options, (reason) => this.#lose(reason));
    this.#house = new Housekeeping(this.#owned);
  }

  get epoch(): number {
    return this.#owned.outcomes.epoch;
  }

  async takeOver(): Promise<void> {
    try {
      const { records, deferred } = await takeOver(this.#owned);
      [this.#recordsBefore, this.deferred, this.#replayedUpTo] = [records, deferred, this.epoch];
      this.#owned.openOf = (envelope) => this.#recordsBefore.stateOf(envelope).open;
      this.#house.start();
    } catch (error) {
      this.#end(new Fenced('the shard could not be taken over'));
      throw error;
    }
  }

  async *mails(): AsyncGenerator<SpooledMail> {
    const { segments, born, marks } = this.#owned;
    try {
      for await (const found of segments.mails()) {
        for (const one of found) {
          if (marks.doubts(one.sequence) && !(await marks.mail(one.sequence, one.mail.envelope.id))) continue;
          const mail = this.#ended ? undefined : this.#admit(one);
          if (mail) yield mail;
        }
        if (found.length === 0) marks.givenOut(segments.next);
        for (let mail = born.shift(); mail && !this.#ended; mail = born.shift()) yield mail;
        if (this.#ended) return;
        if (this.#replayedUpTo > 0 && (await this.#replayIsRead())) this.#forgetReplay();
      }
    } catch (error) {
      if (!(error instanceof NewerFormat)) throw error;
      this.#lose(error.message, 'newer-format');
    }
  }

  wake(): void {
    this.#owned.segments.wake();
  }

  async record(records: readonly MailRecord[]): Promise<void> {
    if (this.#ended) throw this.#ended;
    const { state, moves, outcomes, deferState, cleaning } = this.#owned;
    const entries: Record<Place, LogEntry[]> = { spool: [], defer: [] };
    const writes: Promise<void>[] = [];
    for (const record of records) {
      const moving = moves.underWay(record.id);
      if (moving) {
        writes.push(moving.then(() => this.record([record])));
        continue;
      }
      const mail = state.live.get(record.id);
      if (!mail || (isFinal(record) && !record.recipients.some((index) => mail.open.includes(index))))
        continue;
      cleaning.delete(record.id);
      entries[mail.place].push({ entry: 'record', record });
    }
    if (entries.spool.length > 0) writes.push(outcomes.write(entries.spool));
    if (entries.defer.length > 0) writes.push(deferState.write(entries.defer));
    if (writes.length > 0) await Promise.all(writes);
  }

  async defer(mail: MailObject, records: readonly MailRecord[]): Promise<void> {
    if (this.#ended) throw this.#ended;
    const { state, moves } = this.#owned;
    const { id } = mail.envelope;
    if (state.live.get(id)?.place === 'spool' && !moves.underWay(id)) await moves.move(mail, records);
    else await this.record(records);
  }

  async content(id: MailId): Promise<Uint8Array> {
    const mail = this.#owned.state.live.get(id);
    if (!mail) throw new ContentMissing(`no live mail ${id}`);
    if (mail.large !== undefined)
      throw new ContentMissing(`the content of ${id} is large: it stands in CONTENT`);
    try {
      return await contentOf(this.#owned, id, mail);
    } catch (error) {
      const now = this.#owned.state.live.get(id);
      if (!(error instanceof ContentMissing) || now === undefined || now.pin === mail.pin) throw error;
      // It was moved or copied forward meanwhile, and where it stood before is truncated.
      return this.content(id);
    }
  }

  quarantined(): readonly QuarantinedRecord[] {
    return this.#owned.quarantine.records;
  }

  async quarantinedOctets(key: string): Promise<Uint8Array | undefined> {
    return (await this.#owned.quarantine.read(key))?.body;
  }

  async releaseQuarantined(key: string): Promise<Released | undefined> {
    if (this.#ended) throw this.#ended;
    return release(this.#owned, key);
  }

  async deleteQuarantined(key: string): Promise<boolean> {
    if (this.#ended) throw this.#ended;
    const { quarantine } = this.#owned;
    if (!quarantine.records.some((record) => record.key === key)) return false;
    await quarantine.end(key);
    return true;
  }

  figures(): Readonly<Record<string, number>> {
    const { state, used, outcomes, deferState, segments } = this.#owned;
    return {
      liveMails: state.live.size,
      deferredMails: state.deferred.mails,
      unwrittenRecords: outcomes.waiting + deferState.waiting,
      octets: used.spool,
      maxOctets: used.spoolMax,
      deferOctets: used.defer + used.deferContent,
      largeContentOctets: used.content,
      firstSequence: used.spoolFirst,
      readUpTo: segments.next - 1,
      replaying: this.#replayedUpTo > 0 ? 1 : 0,
      quarantined: this.#owned.quarantine.records.length,
      heldBackBy: this.#owned.heldBackBy,
    };
  }

  unwrittenFor(): number {
    return Math.max(this.#owned.outcomes.unwrittenFor(), this.#owned.deferState.unwrittenFor());
  }

  onPinned(listener: (ids: readonly MailId[]) => void): void {
    this.#house.onPinned = listener;
  }

  async close({ truncates = true }: { readonly truncates?: boolean } = {}): Promise<void> {
    if (this.#ended) return;
    const { segments, clock } = this.#owned;
    segments.close();
    this.#house.cancel();
    // With NATS away what is unwritten stays so; the next owner finds the mail open.
    await Promise.race([
      this.#finish(truncates),
      new Promise<void>((resolve) => clock.after(closesWithin, resolve)),
    ]);
    this.#end(new Fenced('the owner has let go'));
  }

  async #finish(truncates: boolean): Promise<void> {
    const { outcomes, deferState, marks } = this.#owned;
    try {
      await marks.leave();
      await Promise.all([outcomes.flushed(), deferState.flushed()]);
      if (truncates) await this.#house.finish();
    } catch {
      // It has ended meanwhile, or the log can't be asked: what is not truncated now is later.
    }
  }

  /** A mail of a segment, unless its records say that it is done or elsewhere, or it is a second copy. */
  #admit({ mail, sequence }: SegmentMail): SpooledMail | undefined {
    const { envelope, content } = mail;
    const { state } = this.#owned;
    if (state.live.has(envelope.id) || this.#recordsBefore.moved(envelope.id)) return undefined;
    if (this.#owned.quarantine.hasMail(envelope.id)) return undefined;
    const known = this.#recordsBefore.stateOf(envelope);
    if (known.open.length === 0) {
      state.foundDone(envelope);
      return undefined;
    }
    state.admit('spool', { envelope, state: known, pin: sequence, contentOctets: content?.length ?? 0 });
    const { open, held } = known;
    const replayed = sequence <= this.#replayedUpTo;
    return { mail, open, place: 'spool', replayed, ...(held === undefined ? {} : { held }) };
  }

  /** All segments that may have replayed records have been given out; a replica that lags is no proof of it. */
  async #replayIsRead(): Promise<boolean> {
    const { segments, log, streams } = this.#owned;
    if (segments.next > this.#replayedUpTo) return true;
    if (!segments.caughtUp) return false;
    try {
      const last = await log.last(streams.spool, subjects.segment(this.shard));
      return last === undefined || last.sequence < segments.next;
    } catch {
      return false;
    }
  }

  #forgetReplay(): void {
    this.#replayedUpTo = 0;
    this.#owned.replayIsRead = true;
    this.#recordsBefore.clear();
    this.deferred = new FoundDeferred();
    // Not waited for: what comes behind the replay is given out meanwhile.
    this.#owned.marks.finish().catch(() => undefined);
  }

  #lose(reason: string, cause?: 'newer-format'): void {
    if (this.#ended) return;
    this.#end(new Fenced(reason));
    this.#options.lost(reason, cause);
  }

  #end(error: Error): void {
    this.#ended = error;
    this.#house.cancel();
    this.#owned.end(error);
  }
}
