/** The parts of an owned shard, and what follows in memory when a record has become durable. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '@postrider/actor';
import type { MailId, MailObject, MailRecord } from '@postrider/mail';
import { DeferredContents } from './deferred-contents.js';
import { FencedWriter } from './fenced-writer.js';
import type { Log } from './log.js';
import { Moves } from './moves.js';
import { frameLimit, streamsOf, subjects, type ShardStreams } from './names.js';
import { bornOf, untouched, type MailState } from './open-recipients.js';
import type { DeferredMail, LogEntry } from './record-frame.js';
import { SegmentReader } from './segments.js';
import { ShardState, type Place } from './shard-state.js';
import type { OwnerOptions, SpooledMail } from './spool.js';

export interface OwnedShardOptions extends OwnerOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly shard: string;
  /** DEFER and DEFER-CONTENT are cleaned when they are larger, octets. */
  readonly cleanedOver?: number;
}

/** Smaller logs are left alone. */
const cleanedOver = 16 * 1024 * 1024;

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
  /** Something here can't be read: what it names is not known, so nothing is taken for an orphan. */
  damaged = false;
  /** Deferred mail that is being copied forward; a record about one takes it out. */
  readonly cleaning = new Set<MailId>();
  /** Mail born of a record: given out by `mails()`. */
  readonly born: SpooledMail[] = [];
  readonly #options: OwnedShardOptions;

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
    this.segments = new SegmentReader({
      log,
      clock,
      shard,
      damaged: (sequence, text) => this.damage('spool', sequence, text),
    });
    const ownership = randomBytes(16).toString('hex');
    const common = { log, clock, owner, ownership, limit: frameLimit(log.maxPayloadInOctets), fenced };
    this.outcomes = new FencedWriter({
      ...common,
      stream: this.streams.spool,
      subject: subjects.outcome(shard),
      durable: (entry, sequence) => this.#durableInSpool(entry, sequence),
    });
    this.deferState = new FencedWriter({
      ...common,
      stream: this.streams.defer,
      subject: subjects.state(shard),
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

  /** It stays where it is until somebody has looked at it. */
  damage(place: Place, sequence: number, text: string): void {
    this.damaged = true;
    this.state.pins[place].add(sequence);
    this.#options.fault(`${this.streams[place]} ${sequence}: ${text}`);
  }

  fault(text: string, id?: MailId): void {
    this.#options.fault(text, id);
  }

  end(error: Error): void {
    this.segments.close();
    this.outcomes.end(error);
    this.deferState.end(error);
    this.contents.end(error);
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
