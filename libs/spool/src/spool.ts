/**
 * The spool's contract (DESIGN §3, §4): what ingress, the owner of a shard and a worker may do with it. Backends
 * are behind `Log` (log.ts); everything above is one code for all of them.
 */
import type { Envelope, LargeContent, MailId, MailObject, MailRecord, Scheduling } from '@postrider/mail';
import type { Move } from './leaders.js';
import type { QuarantinedRecord as QuarantinedRecordOfShard } from '@postrider/protocol';

export interface Spool {
  /**
   * Makes what a shard needs, if it is not there: SPOOL, DEFER, DEFER-CONTENT, CONTENT and the lease bucket.
   * Streams that are there get the room of today's settings, though never less than they use.
   * @returns for the operator: where the settings ask for less than that
   */
  prepare(shards: readonly string[]): Promise<readonly string[]>;
  /** The shards whose streams exist. */
  shards(): Promise<readonly string[]>;
  writer(options: WriterOptions): SpoolWriter;
  /** Takes a shard over: publishes the epoch records (the fence), reads the outcomes and the deferred state. */
  own(shard: string, options: OwnerOptions): Promise<ShardOwner>;
  leases(): Leases;
  /**
   * Where one NATS server leads more of the shards' streams than another, lets that one lead one of them.
   * @returns what was moved; 'lags' while some copy does, and it may be asked again soon; undefined when they are spread
   * evenly, or there is nothing to spread now
   */
  spreadLeaders(): Promise<Move | 'lags' | undefined>;
  /** Chunks of a large content in order, checked against octets and SHA-256. @throws ContentMissing */
  largeContent(shard: string, large: LargeContent): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

export interface WriterOptions {
  /** Shards that may be written, from the configuration. */
  readonly shards: readonly string[];
  /** Called after each acknowledged segment: ingress sends the hint. */
  readonly committed?: (shard: string, sequence: number, mails: number) => void;
}

/** A mail object whose content may come in pieces, in their order. */
export interface MailToCommit {
  readonly envelope: Envelope;
  readonly content?: Uint8Array | readonly Uint8Array[];
}

/** smtp-ingress's side: one publish in flight, all that commits meanwhile goes into the next segment. */
export interface SpoolWriter {
  /** The shard that new mail goes to right now. */
  readonly shard: string;
  /**
   * Resolves once the mail is durable, or will not be. Never rejects.
   * @param mail content present, or `envelope.large` from `beginLarge` with the same shard
   */
  commit(mail: MailToCommit, shard?: string): Promise<CommitResult>;
  /** Streams content that is too large for a segment to CONTENT-<shard> while DATA still arrives. */
  beginLarge(contentId: MailId): LargeContentWriter;
  /** `full`: over the soft limit: new mail gets 452 (DESIGN §3 'Room'). `away`: no shard takes writes: 451. */
  room(): 'ok' | 'full' | 'away';
  /** Resolves when nothing is in flight. */
  drained(): Promise<void>;
  /** Segments published, mails in them, publishes in flight, last commit time: for the gauge. */
  figures(): Readonly<Record<string, unknown>>;
}

export type CommitResult =
  | { readonly result: 'committed'; readonly shard: string; readonly sequence: number }
  /** 452 4.3.1 */
  | { readonly result: 'full' }
  /** 451 4.3.0: refused or unreachable: surely not stored, or unknown after the last retry (RFC 1047). */
  | {
      readonly result: 'unavailable' | 'unknown';
      readonly text: string;
      /** Nobody acknowledges because the disk is full: 452 4.3.1. */
      readonly diskFull?: true;
    };

export interface LargeContentWriter {
  readonly shard: string;
  /** Octets worth giving at once; fewer while very many contents are written. */
  readonly gathersInOctets: number;
  /** Waits while too much is unacknowledged: the back-pressure that keeps memory level. @throws when the shard fails */
  write(chunk: Uint8Array): Promise<void>;
  /** Resolves when every chunk is acknowledged. */
  finish(): Promise<LargeContent>;
  /** Purges what was written. */
  abandon(): Promise<void>;
}

export interface OwnerOptions {
  /** Instance name, for the epoch record. */
  readonly owner: string;
  /** The fence was hit or the log is gone: nothing of this shard may be dispatched any more. Called once. */
  readonly lost: (reason: string, cause?: 'newer-format') => void;
  /** A fault while handling one mail, a missing content, an unreadable record: for log and event. */
  readonly fault: (text: string, id?: MailId) => void;
  /** A record was set aside: an operator has to look at it. */
  readonly quarantined?: (record: QuarantinedRecord) => void;
}

/** A record of the shard's logs that could not be read, or that replays did not get past; kept whole in QUARANTINE. */
export type QuarantinedRecord = Omit<QuarantinedRecordOfShard, 'shard'>;

export interface Released {
  /** Of the mail that is live again, under new ids. */
  readonly ids: readonly MailId[];
}

/** A live mail as the log has it: what replay found, or the tail. */
export interface SpooledMail {
  readonly mail: MailObject;
  /** Recipients without a final record, by index, with what is known of them. */
  readonly open: readonly OpenRecipient[];
  readonly held?: string;
  /** In DEFER: content is absent here; `content(id)` reads it when its time has come. */
  readonly place: 'spool' | 'defer';
  /** Came from the replay of another owner's time: events tell it again with the same ids. */
  readonly replayed: boolean;
  /** Found packed: what most need of it, so that `mail` need not be made. */
  readonly packed?: PackedMail;
}

/** An envelope as one string, and what is asked of each mail that only waits. */
export interface PackedMail {
  readonly id: MailId;
  /** `packEnvelope` */
  readonly text: string;
  /** Milliseconds since the epoch. */
  readonly acceptedAt: number;
  /** Its reverse-path is null. */
  readonly bounce: boolean;
  /** Content id of a large content. */
  readonly large: MailId | undefined;
  readonly scheduling: Scheduling | undefined;
}

export interface OpenRecipient {
  readonly index: number;
  readonly attempts: number;
  /** Milliseconds since the epoch; 0 = now. */
  readonly until: number;
  /** Attempts of unknown outcome in a row. */
  readonly unknowns: number;
  readonly diagnostic?: { readonly status: string; readonly text: string; readonly remoteMta?: string };
}

/** The owner's side of one shard. All writes carry the fence; each resolves when durable and rejects with Fenced. */
export interface ShardOwner {
  readonly shard: string;
  readonly epoch: number;
  /** Deferred mail found at the takeover, given out once; given up when all of the replay has been read by `mails()`. */
  readonly deferred: Iterable<SpooledMail> & { readonly length: number };
  /**
   * Live mail of SPOOL in log order, then the tail for as long as the shard is owned. The next is read when it is
   * asked for. Mail born of a record comes here too, once that record is durable.
   */
  mails(): AsyncIterable<SpooledMail>;
  /** New mail may be there: a hint. */
  wake(): void;
  /**
   * Writes what became of mails: to SPOOL's outcomes or to DEFER, by where each mail is. Bundled with whatever else
   * waits, in the order of calls. Final records of unknown mails are ignored (they were final before).
   */
  record(records: readonly MailRecord[]): Promise<void>;
  /**
   * Moves a mail out of SPOOL: content to DEFER-CONTENT, envelope and open recipients to DEFER, then 'moved'. Resolves when
   * `moved` is durable. A mail in DEFER already is left there, and one that DEFER has no room for is left in SPOOL; the
   * records are written in any case. Bundles with other calls in flight.
   * @param mail with its content, unless large
   */
  defer(mail: MailObject, records: readonly MailRecord[]): Promise<void>;
  /** Content of a live mail, in whatever place; of a large one use `Spool.largeContent`. @throws ContentMissing */
  content(id: MailId): Promise<Uint8Array>;
  /** What was set aside and is not dealt with. */
  quarantined(): readonly QuarantinedRecord[];
  /** A record's octets, as they stood in the log. @returns undefined when there is no such record */
  quarantinedOctets(key: string): Promise<Uint8Array | undefined>;
  /**
   * Mail in the record becomes live again as new mail, with the recipients that were open.
   * @returns undefined when there is no such record; @throws when nothing in it can be read, or it could not be written
   */
  releaseQuarantined(key: string): Promise<Released | undefined>;
  /** @returns false when there is no such record */
  deleteQuarantined(key: string): Promise<boolean>;
  /**
   * For the gauge: octets used, live and deferred mails, unwritten records, first sequence, read up to; `replaying` is 1
   * until all mail of an owner before has been given out; `heldBackBy`: revision of the backup's record that was seen.
   */
  figures(): Readonly<Record<string, number>>;
  /** How long the oldest unwritten record has waited, milliseconds; 0 when none: dispatch stops over 1 s. */
  unwrittenFor(): number;
  /** Mails that pin more of SPOOL than they may (DESIGN §3): move them with `defer`. */
  onPinned(listener: (ids: readonly MailId[]) => void): void;
  /** Writes what is unwritten, truncates unless another owner is about to, lets go; within 5 s also when NATS is away. */
  close(options?: { readonly truncates?: boolean }): Promise<void>;
}

/** Leases in a KV bucket, memory storage (DESIGN §4): politeness; the fence is the safety. */
export interface Leases {
  /** Takes a free or lapsed lease. @returns undefined when another holds it */
  take(shard: string, owner: string): Promise<Lease | undefined>;
  /** Every shard's holder now. */
  list(): Promise<ReadonlyMap<string, LeaseRecord>>;
  /** Takes the lease from a holder that is known to be gone. Safe when it is not: the fence decides. */
  revoke(shard: string): Promise<void>;
}

export interface LeaseRecord {
  readonly owner: string;
}

export interface Lease {
  /** Renews; false when another has taken it. @throws when NATS is away */
  renew(): Promise<boolean>;
  release(): Promise<void>;
}

export class Fenced extends Error {}
export class ContentMissing extends Error {}
