/** Reading a shard's logs at a takeover: outcomes first, then the deferred state; segments follow in segments.ts. */
import type { MailId, MailObject } from '@postrider/mail';
import type { Log } from './log.js';
import { streamsOf, subjects } from './names.js';
import { applyRecord, type MailState } from './open-recipients.js';
import { decodeBundle, type DeferredMail, type LogEntry } from './record-frame.js';
import { RecordsBefore } from './shard-state.js';

/** Messages and octets of one read. */
const batch = { messages: 256, octets: 4 * 1024 * 1024 };

export interface ReplayedOutcomes {
  readonly records: RecordsBefore;
  /** Mail made by a record, and where that record stands. */
  readonly born: readonly BornMail[];
}

export interface BornMail {
  readonly mail: MailObject;
  readonly sequence: number;
  readonly place: 'spool' | 'defer';
}

export interface ReplayedDeferred {
  readonly mails: ReadonlyMap<MailId, DeferredAt>;
  readonly born: readonly BornMail[];
  /** Records about mail born in DEFER. */
  readonly records: RecordsBefore;
}

export interface DeferredAt {
  readonly deferred: DeferredMail;
  readonly sequence: number;
  readonly state: MailState;
}

/** SPOOL's outcomes up to the owner's own epoch record. @param damaged told of a record that can't be read */
export async function replayOutcomes(
  log: Log,
  shard: string,
  epoch: number,
  damaged: (sequence: number, text: string) => void,
): Promise<ReplayedOutcomes> {
  const records = new RecordsBefore();
  const born: BornMail[] = [];
  const { spool } = streamsOf(shard);
  for await (const { sequence, entry } of entriesOf(log, spool, subjects.outcome(shard), epoch, damaged)) {
    if (entry.entry !== 'record') continue;
    records.add(entry.record);
    if ('born' in entry.record)
      for (const mail of entry.record.born ?? []) born.push({ mail, sequence, place: 'spool' });
  }
  return { records, born };
}

/** DEFER's state up to the owner's own record there. */
export async function replayDeferred(
  log: Log,
  shard: string,
  upTo: number,
  damaged: (sequence: number, text: string) => void,
): Promise<ReplayedDeferred> {
  const mails = new Map<MailId, DeferredAt>();
  const records = new RecordsBefore();
  const born: BornMail[] = [];
  for await (const { sequence, entry } of entriesOf(log, streamsOf(shard).defer, subjects.state(shard), upTo, damaged)) {
    if (entry.entry === 'put') {
      const { open, held } = entry.deferred;
      const state: MailState = held === undefined ? { open } : { open, held };
      mails.set(entry.deferred.envelope.id, { deferred: entry.deferred, sequence, state });
    }
    if (entry.entry !== 'record') continue;
    const { record } = entry;
    const known = mails.get(record.id);
    if (known) {
      const state = applyRecord(known.state, record);
      if (state.open.length > 0) mails.set(record.id, { ...known, state });
      else mails.delete(record.id);
    } else records.add(record);
    if ('born' in record) for (const mail of record.born ?? []) born.push({ mail, sequence, place: 'defer' });
  }
  return { mails, born, records };
}

/** All entries of a subject up to a sequence, in order. */
export async function* entriesOf(
  log: Log,
  stream: string,
  subject: string,
  upTo: number,
  damaged: (sequence: number, text: string) => void,
): AsyncGenerator<{ readonly sequence: number; readonly entry: LogEntry }> {
  for (let from = 1; from <= upTo; ) {
    const messages = await log.read(stream, subject, from, batch);
    if (messages.length === 0) return;
    for (const { sequence, payload } of messages) {
      if (sequence > upTo) return;
      from = sequence + 1;
      for (const entry of decoded(payload, stream, sequence, damaged)) yield { sequence, entry };
    }
  }
}

/** @throws NewerFormat: the shard belongs to a newer process */
function decoded(payload: Uint8Array, stream: string, sequence: number, damaged: (sequence: number, text: string) => void): readonly LogEntry[] {
  try {
    return decodeBundle(payload).entries;
  } catch (error) {
    if (error instanceof Error && error.name === 'NewerFormat') throw error;
    damaged(sequence, `${stream} ${sequence}: ${error instanceof Error ? error.message : String(error)}`);
    return [];
  }
}
