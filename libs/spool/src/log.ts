/**
 * What the spool needs of its storage: ordered streams of messages, each write with its own acknowledgement.
 * Backends: memory.ts, jetstream.ts. Every write of the spool is one call of `append`, so a test backend can stand
 * between any two.
 */
import type { Leadership } from './leaders.js';

export interface Log {
  /**
   * Makes the streams of these shards that are not there, and gives those that are the room of today's settings, though
   * never less than they use. @returns for the operator: where the settings ask for less than that
   */
  prepare(shards: readonly string[]): Promise<readonly string[]>;
  /** Names of all streams that there are. */
  streams(): Promise<readonly string[]>;
  /**
   * @param payload must not change until a server has answered: after an acknowledgement or a refusal. Of what is unknown
   * octets may go out long after
   */
  append(subject: string, payload: Uint8Array, options?: AppendOptions): Promise<AppendResult>;
  /**
   * Messages of a stream on one subject, or all that match one with `>`, from a sequence on, in order and without gaps. May be fewer than there are, even
   * none: a replica may lag, so an empty answer is no proof.
   * @throws when the log can't be reached
   */
  read(stream: string, subject: string, from: number, limit: ReadLimit): Promise<readonly LogMessage[]>;
  /** One message, from the leader: a replica may lag. Undefined: it is surely not there. */
  at(stream: string, sequence: number): Promise<LogMessage | undefined>;
  /** The last message on a subject, from the leader. @throws StreamGone */
  last(stream: string, subject: string): Promise<LogMessage | undefined>;
  state(stream: string): Promise<LogState>;
  /** Removes every message before that sequence; beyond the last one, the next gets it. */
  truncate(stream: string, before: number): Promise<void>;
  purge(stream: string, subject: string): Promise<void>;
  /** More room for a stream, until the next `prepare`. @throws when there is none, or it may not be changed */
  enlarge(stream: string, byOctets: number): Promise<void>;
  /** Who leads the stream's copies; undefined where it has one only, or no leader now. */
  leadership(stream: string): Promise<Leadership | undefined>;
  /** Lets another server lead, which has all that the leader has. @throws when it does not */
  moveLeader(stream: string, to: string): Promise<void>;
  /** Subjects of a stream that match. */
  subjects(stream: string, pattern: string): Promise<readonly string[]>;
  /** A small register with revisions, for leases; entries vanish when not written for `leaseTtl`. */
  readonly register: Register;
  /** Right now. False: a write would surely not arrive. */
  readonly connected: boolean;
  /** How long writes that nobody waits for are worth gathering, milliseconds: each costs an fsync here, or none. */
  readonly gatherFor: number;
  /** The same of mails whose clients wait, while several of them come together; 0: not at all. */
  readonly gatherSegmentsFor: number;
  /** The largest payload of one message, octets. */
  readonly maxPayloadInOctets: number;
  close(): Promise<void>;
}

export interface AppendOptions {
  /** The same id within two minutes is stored once. */
  readonly messageId?: string;
  /** The write is refused as stale unless this is the sequence of the subject's last message; 0: none. */
  readonly expectedLast?: number;
}

export type AppendResult =
  | { readonly result: 'acknowledged'; readonly sequence: number; readonly duplicate: boolean }
  /** Surely not stored. `full`: a limit; `stale`: expectedLast was not the last. */
  | {
      readonly result: 'refused';
      readonly reason: 'full' | 'stale' | 'away' | 'other';
      readonly text: string;
    }
  /** It may be stored by now, later, or never. */
  | {
      readonly result: 'unknown';
      readonly text: string;
      /** The store says that its disk is full: no use in trying again now. */
      readonly full?: true;
    };

/** There is no room for it. */
export const isFull = (result: AppendResult): boolean =>
  (result.result === 'refused' && result.reason === 'full') ||
  (result.result === 'unknown' && result.full === true);

export interface LogMessage {
  readonly sequence: number;
  readonly subject: string;
  readonly payload: Uint8Array;
  /** Nothing on the subjects that were read came behind it by then; absent: there may be more. */
  readonly last?: true;
}

export interface ReadLimit {
  readonly messages: number;
  readonly octets: number;
}

export interface LogState {
  /** One after the last in an empty stream. */
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly messages: number;
  readonly octets: number;
  readonly maxOctets: number;
}

export interface Register {
  get(key: string): Promise<RegisterEntry | undefined>;
  /** @returns the revision, or undefined when the key is there already */
  create(key: string, value: Uint8Array): Promise<number | undefined>;
  /** @returns the new revision, or undefined when another wrote since */
  update(key: string, value: Uint8Array, revision: number): Promise<number | undefined>;
  delete(key: string): Promise<void>;
}

export interface RegisterEntry {
  readonly value: Uint8Array;
  readonly revision: number;
}

/** The stream is not there: it was never made, or somebody removed it. */
export class StreamGone extends Error {}
