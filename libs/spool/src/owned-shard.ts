/** The parts of an owned shard, and what follows in memory when a record has become durable. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '@postrider/actor';
import type { Envelope, MailId, MailObject, MailRecord } from '@postrider/mail';
import { DeferredContents } from './deferred-contents.js';
import { FencedWriter } from './fenced-writer.js';
import type { Place } from './live-mails.js';
import type { Log, LogMessage } from './log.js';
import { Moves } from './moves.js';
import { frameLimit, streamsOf, subjects, type ShardStreams } from './names.js';
import { bornOf, untouched, type MailState } from './open-recipients.js';
import { Quarantine } from './quarantine.js';
import type { DeferredMail, LogEntry, ReplayedLog } from './record-frame.js';
import { ReplayMarks } from './replay-marks.js';
import { SegmentReader } from './segments.js';
import { emptied, keepDamaged, keepPoison, type Damage } from './setting-aside.js';
import { ShardState } from './shard-state.js';
import type { OpenRecipient, OwnerOptions, QuarantinedRecord, SpooledMail } from './spool.js';

export interface OwnedShardOptions extends OwnerOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly shard: string;
  /** DEFER and DEFER-CONTENT are cleaned when they are larger, octets. */
  readonly cleanedOver?: number;
  /** Replays that end with the same record in hand before it is set aside. */
  readonly deathsAtMost?: number;
}

/** Smaller logs are left alone. */
const cleanedOver = 16 * 1024 * 1024;
/** One may be chance; the third owner sets it aside (DESIGN §4). */
const deathsAtMost = 2;

/** A bundle's worth, for a stream that has no room for outcomes; not again before that one can have been written. */
const enlargedBy = 1024 * 1024;
const enlargedEvery = 1_000;

export class OwnedShard {
  readonly shard: string;
  readonly log: Log;
  readonly clock: Clock;
  readonly streams: ShardStreams;
  readonly state: ShardState;
  readonly segments: SegmentReader;
  readonly contents: DeferredContents;
  readonly outcomes: FencedWriter;
  readonly deferState: FencedWriter;
  readonly moves: Moves;
  readonly quarantine: Quarantine;
  readonly marks: ReplayMarks;
  readonly cleanedOver: number;
  /** Octets of the streams when they were last looked at. */
  readonly used = {
    spool: 0,
    spoolMax: 0,
    spoolMessages: 0,
    spoolFirst: 0,
    defer: 0,
    deferContent: 0,
    content: 0,
  };
  /** DEFER or DEFER-CONTENT is over its soft limit: mail stays in SPOOL. */
  deferFull = false;
  /** Revision of the record by which a backup holds back, as last seen; 0: none. */
  heldBackBy = 0;
  /** All segments of the owners before have been read, and the leader has no more of them: a replica may lag. */
  replayIsRead = false;
  /** Something here can't be read: what it names is not known, so nothing is taken for an orphan. */
  damaged = false;
  /** Deferred mail that is being copied forward; a record about one takes it out. */
  readonly cleaning = new Set<MailId>();
  /** Mail born of a record: given out by `mails()`. */
  readonly born: SpooledMail[] = [];
  /** What the replay knows of a mail's open recipients. */
  openOf: (envelope: Envelope) => readonly OpenRecipient[] = (envelope) => untouched(envelope).open;
  readonly #options: OwnedShardOptions;
  /** By stream, monotonic milliseconds. */
  readonly #enlargedAt = new Map<string, number>();

  constructor(options: OwnedShardOptions, fenced: (reason: string) => void) {
    const { log, clock, shard, owner } = options;
    this.#options = options;
    this.shard = shard;
    this.cleanedOver = options.cleanedOver ?? cleanedOver;
    this.log = log;
    this.clock = clock;
    this.streams = streamsOf(shard);
    this.state = new ShardState(() => clock.monotonic());
    this.contents = new DeferredContents({ log, clock, shard, pins: this.state.pins.deferContent });
    this.quarantine = new Quarantine({ log, shard });
    this.marks = new ReplayMarks({
      log,
      clock,
      write: () => this.outcomes.write([{ entry: 'checkpoint' }]),
      deathsAtMost: options.deathsAtMost ?? deathsAtMost,
      keep: (mark, deaths) => keepPoison(this, mark, { deaths, openOf: (envelope) => this.openOf(envelope) }),
    });
    this.segments = new SegmentReader({
      log: this.reader('segment'),
      clock,
      shard,
      damaged: (sequence, text, item) =>
        this.damage({ log: 'segment', sequence, text, ...(item === undefined ? {} : { item }) }),
    });
    const ownership = randomBytes(16).toString('hex');
    const common = { log, clock, owner, ownership, limit: frameLimit(log.maxPayloadInOctets), fenced };
    this.outcomes = new FencedWriter({
      ...common,
      stream: this.streams.spool,
      subject: subjects.outcome(shard),
      full: () => this.#enlarge(this.streams.spool),
      replaying: () => this.marks.now,
      durable: (entry, sequence) => this.#durableInSpool(entry, sequence),
    });
    this.deferState = new FencedWriter({
      ...common,
      stream: this.streams.defer,
      subject: subjects.state(shard),
      full: () => this.#enlarge(this.streams.defer),
      durable: (entry, sequence) => this.#durableInDefer(entry, sequence),
    });
    this.moves = new Moves(this);
  }

  /** A mail born of a record becomes live where the record stands. */
  bear(
    { envelope, content }: MailObject,
    state: MailState,
    at: { readonly place: Place; readonly pin: number },
  ): void {
    if (this.state.live.has(envelope.id)) return;
    this.state.admit(at.place, { envelope, state, pin: at.pin, contentOctets: content?.length ?? 0 });
  }

  /** The log as a replay reads it: without what is kept in QUARANTINE. */
  reader(log: ReplayedLog): Pick<Log, 'read'> {
    return this.marks.reader(log, this.#withoutKept(log));
  }

  /** The same for those who read it once more, beside the replay: nothing is marked. */
  rereader(log: ReplayedLog): Pick<Log, 'read'> {
    return { read: async (...what) => (await this.log.read(...what)).map(this.#withoutKept(log)) };
  }

  streamOf(log: ReplayedLog): string {
    return this.streams[placeOf(log)];
  }

  /** It stays where it is until a copy of it is kept. */
  damage(damage: Damage): void {
    const { log, sequence, text, item } = damage;
    const pins = this.state.pins[placeOf(log)];
    this.keepsUnread(log);
    pins.add(sequence);
    const part = item === undefined ? '' : `item ${item}: `;
    this.#options.fault(`${this.streamOf(log)} ${sequence}: ${part}${text}`);
    void keepDamaged(this, damage).then((kept) => (kept ? pins.remove(sequence) : undefined));
  }

  /** Something of that log can't be read: what it names is not known, so nothing is taken for an orphan. */
  keepsUnread(log: ReplayedLog): void {
    this.damaged = true;
    if (log === 'defer') this.state.keepContents();
  }

  toldOf(record: QuarantinedRecord): void {
    this.#options.quarantined?.(record);
  }

  fault(text: string, id?: MailId): void {
    this.#options.fault(text, id);
  }

  end(error: Error): void {
    this.marks.end();
    this.segments.close();
    this.outcomes.end(error);
    this.deferState.end(error);
    this.contents.end(error);
  }

  /**
   * Last resort: what ends mail must be written, or a full stream could never be emptied. Ingress leaves room for it, but
   * several may write at once, and a limit may have been lowered.
   */
  async #enlarge(stream: string): Promise<void> {
    const now = this.clock.monotonic();
    if (now - (this.#enlargedAt.get(stream) ?? -Infinity) < enlargedEvery) return;
    this.#enlargedAt.set(stream, now);
    try {
      const { octets, maxOctets } = await this.log.state(stream);
      // Another limit, as the account's: more room here would not help.
      if (maxOctets - octets > enlargedBy) return;
      await this.log.enlarge(stream, enlargedBy);
      this.fault(`${stream} is full to the last octet: it was given ${enlargedBy} octets more for outcomes`);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.fault(`${stream} is full to the last octet: raise spool.max_size; outcomes wait (${why})`);
    }
  }

  #withoutKept(log: ReplayedLog): (message: LogMessage) => LogMessage {
    return (message) => (this.quarantine.has(log, message) ? emptied(log, message) : message);
  }

  #durableInSpool(entry: LogEntry, sequence: number): void {
    if (entry.entry !== 'record') return;
    if (entry.record.kind === 'moved') this.moves.completed(entry.record.id);
    else this.#apply(entry.record, 'spool', sequence);
  }

  #durableInDefer(entry: LogEntry, sequence: number): void {
    if (entry.entry === 'record') this.#apply(entry.record, 'defer', sequence);
    if (entry.entry !== 'put') return;
    if (entry.deferred.contentAt) this.contents.fenced(entry.deferred.contentAt);
    if (!this.moves.put(entry.deferred, sequence)) this.#copied(entry.deferred, sequence);
  }

  /** A put that was copied forward: records that change it stand behind it. */
  #copied(deferred: DeferredMail, sequence: number): void {
    const { envelope, contentAt } = deferred;
    if (this.state.live.get(envelope.id)?.place !== 'defer') return;
    this.state.put(deferred, sequence, contentAt ? envelope.sizeInOctets : 0);
  }

  #apply(record: MailRecord, place: Place, pin: number): void {
    if (!this.state.apply(record)) return;
    for (const mail of bornOf(record)) {
      const state = untouched(mail.envelope);
      this.bear(mail, state, { place, pin });
      this.born.push({ mail, open: state.open, place: 'spool', replayed: false });
    }
    if (this.born.length > 0) this.segments.wake();
  }
}

const placeOf = (log: ReplayedLog): Place => (log === 'defer' ? 'defer' : 'spool');
