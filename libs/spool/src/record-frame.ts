/**
 * A bundle of records as one message: `.outcome` of SPOOL and `.state` of DEFER. Only a shard's owner writes them, one
 * bundle in flight; `ownership` and `bundle` tell it whether the last message of the subject is its own.
 *
 *   "PRRC" | version 1 | 0 0 0 | CRC-32 of what follows (4) | msgpack of RecordBundle
 */
import { crc32 } from 'node:zlib';
import { Packr } from 'msgpackr';
import { isFinal, type Envelope, type MailId, type MailRecord } from '@postrider/mail';
import { DamagedFrame, NewerFormat } from './frame.js';
import { bornOf } from './open-recipients.js';
import type { OpenRecipient } from './spool.js';

const magic = 0x50525243;
const version = 1;
const fixedLength = 12;

export interface RecordBundle {
  /** Sequence of the owner's first record in SPOOL's outcomes; 0 in that record itself. */
  readonly epoch: number;
  readonly owner: string;
  /** Random octets of one ownership in hex, so that two owners of one name are told apart. */
  readonly ownership: string;
  readonly bundle: number;
  readonly entries: readonly LogEntry[];
  /** Absent once the owner's replay is finished. */
  readonly replaying?: Replaying;
}

/** A part of a shard's logs, by what stands in it. */
export type ReplayedLog = 'outcome' | 'defer' | 'segment';

/** What a replay has in hand: messages from one sequence to another, or one mail of a segment. */
export interface ReplayMark {
  readonly log: ReplayedLog;
  readonly from: number;
  readonly to: number;
  readonly mail?: MailId;
}

/** In each bundle of an owner whose replay is not finished: what the next owner is to make of it. */
export interface Replaying {
  /** Replays in a row that ended with `suspect` in hand, as this one found it. */
  readonly deaths: number;
  readonly suspect?: ReplayMark;
  /** In hand now. Absent: nothing, or something for so long that it is not to blame. */
  readonly at?: ReplayMark;
  /** The owner let go in order. */
  readonly left?: true;
}

export type LogEntry =
  | { readonly entry: 'epoch' }
  /** Says how far a replay is, by the bundle that it stands in. */
  | { readonly entry: 'checkpoint' }
  | { readonly entry: 'record'; readonly record: MailRecord }
  /** DEFER only: a mail as it is now, and where its content stands. A later one takes the place of an earlier. */
  | { readonly entry: 'put'; readonly deferred: DeferredMail };

export interface DeferredMail {
  readonly envelope: Envelope;
  readonly open: readonly OpenRecipient[];
  readonly held?: string;
  /** Sequence in DEFER-CONTENT and index in that bundle; absent for large content. */
  readonly contentAt?: readonly [sequence: number, index: number];
  /** Sequence in SPOOL of what it came with; there it is 'moved' once this is durable. 0: it never was there. */
  readonly home: number;
}

// Plain maps, so that another version reads fields it does not know.
const packr = new Packr({ useRecords: false });

export function encodeBundle(bundle: RecordBundle): Buffer {
  const packed = packr.pack(bundle);
  const frame = Buffer.allocUnsafe(fixedLength + packed.length);
  frame.writeUInt32BE(magic, 0);
  frame.writeUInt32BE(version << 24, 4);
  frame.writeUInt32BE(crc32(packed), 8);
  frame.set(packed, fixedLength);
  return frame;
}

/** @throws DamagedFrame, NewerFormat */
export function decodeBundle(octets: Uint8Array): RecordBundle {
  const frame = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
  if (frame.length < fixedLength || frame.readUInt32BE(0) !== magic)
    throw new DamagedFrame('no bundle of records');
  const found = frame.readUInt8(4);
  if (found > version) throw new NewerFormat(`bundle version ${found}; this process knows ${version}`);
  const packed = frame.subarray(fixedLength);
  if (crc32(packed) !== frame.readUInt32BE(8)) throw new DamagedFrame('the bundle has a wrong checksum');
  const bundle = packr.unpack(packed) as RecordBundle | null | undefined;
  if (!bundle || !Array.isArray(bundle.entries)) throw new DamagedFrame('the bundle has no entries');
  return bundle;
}

/** About what an entry takes, a little more rather than less, octets. */
export function sizeOfEntry(entry: LogEntry): number {
  if (entry.entry === 'epoch' || entry.entry === 'checkpoint') return 64;
  if (entry.entry === 'put')
    return (
      sizeOfEnvelope(entry.deferred.envelope) +
      entry.deferred.open.reduce((sum, open) => sum + sizeOfOpen(open), 0)
    );
  const { record } = entry;
  const recipients = 'recipients' in record ? 5 * record.recipients.length : 0;
  return bornOf(record).reduce(
    (sum, { envelope, content }) => sum + sizeOfEnvelope(envelope) + (content?.length ?? 0),
    512 + recipients + textOctets(record),
  );
}

function textOctets(record: MailRecord): number {
  const named = isFinal(record) || record.kind === 'deferred' || record.kind === 'unknown';
  return named ? 3 * (record.diagnostic?.text.length ?? 0) : 0;
}

const sizeOfOpen = ({ diagnostic }: OpenRecipient): number => 96 + 3 * (diagnostic?.text.length ?? 0);

const sizeOfEnvelope = ({ recipients, reversePath }: Envelope): number =>
  recipients.reduce(
    (sum, { forwardPath, original }) => sum + forwardPath.length + (original?.length ?? 0) + 32,
    400 + reversePath.length,
  );
