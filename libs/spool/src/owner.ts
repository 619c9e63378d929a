/**
 * The owner of a shard (DESIGN §3, §4): replays its logs, gives out live mail, writes what becomes of it, moves to DEFER
 * what must wait, and truncates what is done.
 */
import { randomBytes } from 'node:crypto';
import type { Clock, Timer } from '@postrider/actor';
import type { MailId, MailObject, MailRecord } from '@postrider/mail';
import { DeferredContents } from './deferral.js';
import { FencedWriter } from './fenced-writer.js';
import { NewerFormat } from './frame.js';
import { keepHouse } from './housekeeping.js';
import type { Log } from './log.js';
import { segmentLimitInOctets, streamsOf, subjects } from './names.js';
import { applyRecord, untouched } from './open-recipients.js';
import { decodeBundle, type LogEntry } from './record-frame.js';
import { replayDeferred, replayOutcomes, type BornMail, type ReplayedDeferred, type ReplayedOutcomes } from './replay.js';
import { SegmentReader, type SegmentMail } from './segments.js';
import { RecordsBefore, ShardState, spooled, type LiveMail } from './shard-state.js';
import { ContentMissing, Fenced, type OwnerOptions, type ShardOwner, type SpooledMail } from './spool.js';

export interface OwnerContext {
  readonly log: Log;
  readonly clock: Clock;
}

/** Truncation, cleaning and the search for what pins too much. */
const houseKeptEvery = 5_000;

/** @throws when the log can't be reached, or is of a newer format */
export async function ownShard(context: OwnerContext, shard: string, options: OwnerOptions): Promise<ShardOwner> {
  const owner = new LogOwner(context, shard, options);
  await owner.takeOver();
  return owner;
}

export class LogOwner implements ShardOwner {
  readonly shard: string;
  readonly state: ShardState;
  readonly segments: SegmentReader;
  readonly contents: DeferredContents;
  readonly outcomes: FencedWriter;
  readonly deferState: FencedWriter;
  deferred: readonly SpooledMail[] = [];
  /** Octets of the streams when they were last looked at. */
  readonly used = { spool: 0, defer: 0, deferContent: 0, content: 0, spoolMax: 0 };
  /** Deferred mail that housekeeping copies right now; a record about one takes it out. */
  cleaning = new Set<MailId>();
  readonly #context: OwnerContext;
  readonly #options: OwnerOptions;
  readonly #born: SpooledMail[] = [];
  #recordsBefore = new RecordsBefore();
  /** Segments up to here may have records that were replayed. */
  #replayedUpTo = 0;
  #pinnedListener: (ids: readonly MailId[]) => void = () => undefined;
  #house: Timer | undefined;
  #ended: Error | undefined;

  constructor(context: OwnerContext, shard: string, options: OwnerOptions) {
    this.#context = context;
    this.#options = options;
    this.shard = shard;
    const { log, clock } = context;
    const names = streamsOf(shard);
    const common = { log, clock, owner: options.owner, ownership: randomBytes(16).toString('hex'), limit: segmentLimitInOctets };
    const fenced = (reason: string): void => this.#lose(reason);
    this.outcomes = new FencedWriter({ ...common, stream: names.spool, subject: subjects.outcome(shard), fenced });
    this.deferState = new FencedWriter({ ...common, stream: names.defer, subject: subjects.state(shard), fenced });
    this.state = new ShardState(() => clock.monotonic());
    this.contents = new DeferredContents({ log, clock, shard, pins: this.state.pins.deferContent });
    this.segments = new SegmentReader({
      log,
      clock,
      shard,
      damaged: (sequence, text) => this.#damaged('spool', sequence, `${names.spool} ${sequence}: ${text}`),
    });
  }

  get epoch(): number {
    return this.outcomes.epoch;
  }

  async takeOver(): Promise<void> {
    const { log } = this.#context;
    await this.outcomes.open();
    await this.deferState.open(this.epoch);
    this.contents.written = (await log.state(streamsOf(this.shard).deferContent)).lastSequence;
    this.#replayedUpTo = this.epoch;
    const outcomes = await replayOutcomes(log, this.shard, this.epoch, (sequence, text) => this.#damaged('spool', sequence, text));
    const deferred = await replayDeferred(log, this.shard, this.deferState.last, (sequence, text) =>
      this.#damaged('defer', sequence, text),
    );
    await this.#finishMoves(outcomes, deferred);
    this.#recordsBefore = outcomes.records;
    this.deferred = this.#adoptDeferred(deferred, outcomes.records);
    this.#adoptBorn(outcomes.born, outcomes.records);
    this.#adoptBorn(deferred.born, deferred.records);
    this.#keepHouseLater();
  }

  async *mails(): AsyncGenerator<SpooledMail> {
    try {
      for await (const found of this.segments.mails()) {
        if (this.#ended) return;
        if (found) {
          const mail = this.#admit(found);
          if (mail) yield mail;
        }
        yield* this.#born.splice(0);
        if (this.#replayedUpTo > 0 && this.segments.next > this.#replayedUpTo) this.#forgetReplay();
      }
    } catch (error) {
      if (!(error instanceof NewerFormat)) throw error;
      this.#lose(error.message);
    }
  }

  wake(): void {
    this.segments.wake();
  }

  async record(records: readonly MailRecord[]): Promise<void> {
    const entries: Record<LiveMail['place'], LogEntry[]> = { spool: [], defer: [] };
    for (const record of records) {
      this.cleaning.delete(record.id);
      const place = this.state.live.get(record.id)?.place;
      if (place) entries[place].push({ entry: 'record', record });
    }
    await Promise.all([
      this.#write(this.outcomes, 'spool', entries.spool),
      this.#write(this.deferState, 'defer', entries.defer),
    ]);
  }

  async defer(mail: MailObject, records: readonly MailRecord[]): Promise<void> {
    const { envelope, content } = mail;
    const live = this.state.live.get(envelope.id);
    if (!live) return;
    if (live.place === 'defer') return this.record(records);
    const before = untouched(envelope);
    const open = before.open.filter(({ index }) => live.open.includes(index));
    const state = records.reduce(applyRecord, { open });
    const contentAt = envelope.large || !content ? undefined : await this.contents.write(envelope.id, content);
    const deferred = {
      envelope,
      home: live.pin,
      open: state.open,
      ...(state.held === undefined ? {} : { held: state.held }),
      ...(contentAt === undefined ? {} : { contentAt }),
    };
    const born = records.filter((record) => 'born' in record && record.born !== undefined && record.born.length > 0);
    const entries: LogEntry[] = [
      { entry: 'put', deferred },
      ...born.map((record): LogEntry => ({ entry: 'record', record })),
    ];
    const sequence = await this.deferState.write(entries);
    const at = this.#context.clock.now();
    await this.outcomes.write([{ entry: 'record', record: { kind: 'moved', id: envelope.id, at } }]);
    this.state.put(deferred, sequence, content?.length ?? 0);
    if (contentAt) this.contents.named(contentAt);
    for (const record of born) this.#bear(record, 'defer', sequence);
  }

  async content(id: MailId): Promise<Uint8Array> {
    const contentAt = this.state.live.get(id)?.contentAt;
    if (contentAt === undefined) throw new ContentMissing(`mail ${id} has no content in DEFER`);
    if (contentAt !== 'record') return this.contents.read(contentAt);
    const pin = this.state.live.get(id)?.pin ?? 0;
    const { defer } = streamsOf(this.shard);
    const limit = { messages: 1, octets: 1024 * 1024 };
    const [message] = await this.#context.log.read(defer, subjects.state(this.shard), pin, limit);
    const entries = message?.sequence === pin ? decodeBundle(message.payload).entries : [];
    const born = entries.flatMap((entry) => (entry.entry === 'record' && 'born' in entry.record ? (entry.record.born ?? []) : []));
    const content = born.find(({ envelope }) => envelope.id === id)?.content;
    if (!content) throw new ContentMissing(`${defer} ${pin} does not hold the content of ${id}`);
    return Buffer.from(content);
  }

  figures(): Readonly<Record<string, number>> {
    return {
      liveMails: this.state.live.size,
      deferredMails: this.state.deferred.mails,
      unwrittenRecords: this.outcomes.waiting + this.deferState.waiting,
      octets: this.used.spool,
      maxOctets: this.used.spoolMax,
      deferOctets: this.used.defer + this.used.deferContent,
      largeContentOctets: this.used.content,
      readUpTo: this.segments.next - 1,
    };
  }

  unwrittenFor(): number {
    return Math.max(this.outcomes.unwrittenFor(), this.deferState.unwrittenFor());
  }

  onPinned(listener: (ids: readonly MailId[]) => void): void {
    this.#pinnedListener = listener;
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    this.#house?.cancel();
    this.segments.close();
    // Writes nothing; waits for what waits.
    if (this.outcomes.waiting > 0) await this.outcomes.write([]);
    if (this.deferState.waiting > 0) await this.deferState.write([]);
    await keepHouse(this.#context, this, () => undefined).catch(() => undefined);
    this.#end(new Fenced('the owner has let go'));
  }

  /** A mail of a segment, unless its records say that it is done, or it is a second copy. */
  #admit({ mail, sequence }: SegmentMail): SpooledMail | undefined {
    const { id } = mail.envelope;
    if (this.state.live.has(id) || this.#recordsBefore.has(id, 'moved')) return undefined;
    const state = this.#recordsBefore.stateOf(mail);
    if (state.open.length === 0) return undefined;
    this.state.admit(mail, 'spool', sequence, state.open.map(({ index }) => index));
    return spooled(mail, state, 'spool', sequence <= this.#replayedUpTo);
  }

  async #write(writer: FencedWriter, place: LiveMail['place'], entries: readonly LogEntry[]): Promise<void> {
    if (entries.length === 0) return;
    const sequence = await writer.write(entries);
    for (const entry of entries) {
      if (entry.entry !== 'record') continue;
      // Born first: the record must pin its log before the mail that caused it lets go of it.
      this.#bear(entry.record, place, sequence);
      this.state.apply(entry.record);
    }
  }

  #bear(record: MailRecord, place: LiveMail['place'], sequence: number): void {
    if (!('born' in record) || !record.born) return;
    for (const mail of record.born) {
      const state = untouched(mail.envelope);
      this.state.admit(mail, place, sequence, state.open.map(({ index }) => index), true);
      this.#born.push(spooled(mail, state, 'spool', false));
    }
    this.segments.wake();
  }

  #adoptBorn(all: readonly BornMail[], records: RecordsBefore): void {
    for (const { mail, sequence, place } of all) {
      const { id } = mail.envelope;
      const state = records.stateOf(mail);
      if (state.open.length === 0 || this.state.live.has(id) || records.has(id, 'moved')) continue;
      this.state.admit(mail, place, sequence, state.open.map(({ index }) => index), true);
      this.#born.push(spooled(mail, state, 'spool', true));
    }
  }

  #adoptDeferred(deferred: ReplayedDeferred, records: RecordsBefore): readonly SpooledMail[] {
    const found: SpooledMail[] = [];
    for (const { deferred: put, sequence, state: own } of deferred.mails.values()) {
      const mail = { envelope: put.envelope };
      // Finals that were on their way to SPOOL when it was put here count too.
      const state = records.stateOf(mail, own);
      if (state.open.length === 0) continue;
      this.state.put({ ...put, open: state.open }, sequence, put.contentAt ? put.envelope.sizeInOctets : 0);
      found.push(spooled(mail, state, 'defer', true));
    }
    return found;
  }

  /** A crash between 'put' and 'moved': the move is finished before the mail is tried from either place. */
  async #finishMoves(outcomes: ReplayedOutcomes, deferred: ReplayedDeferred): Promise<void> {
    const { firstSequence } = await this.#context.log.state(streamsOf(this.shard).spool);
    const at = this.#context.clock.now();
    const entries: LogEntry[] = [];
    for (const [id, { deferred: put }] of deferred.mails) {
      if (put.home < firstSequence || outcomes.records.has(id, 'moved')) continue;
      const record: MailRecord = { kind: 'moved', id, at };
      entries.push({ entry: 'record', record });
      outcomes.records.add(record);
    }
    if (entries.length > 0) await this.outcomes.write(entries);
  }

  #forgetReplay(): void {
    this.#replayedUpTo = 0;
    this.#recordsBefore.clear();
  }

  #damaged(place: LiveMail['place'], sequence: number, text: string): void {
    // It stays where it is until somebody has looked at it.
    this.state.pins[place].add(sequence);
    this.#options.fault(text);
  }

  #keepHouseLater(): void {
    this.#house = this.#context.clock.after(houseKeptEvery, () => {
      keepHouse(this.#context, this, (ids) => this.#pinnedListener(ids))
        .catch((error: unknown) => this.#options.fault(`housekeeping: ${error instanceof Error ? error.message : String(error)}`))
        .finally(() => {
          if (!this.#ended) this.#keepHouseLater();
        });
    });
  }

  #lose(reason: string): void {
    if (this.#ended) return;
    this.#end(new Fenced(reason));
    this.#options.lost(reason);
  }

  #end(error: Error): void {
    this.#ended = error;
    this.#house?.cancel();
    this.segments.close();
    this.outcomes.end(error);
    this.deferState.end(error);
    this.contents.end(error);
  }
}
