/** Reading the records of a shard's logs at a takeover: SPOOL's outcomes, DEFER's state. Segments follow in segments.ts. */
import type { Clock } from '@postrider/actor';
import type { MailId, MailObject, MailRecord } from '@postrider/mail';
import {
  deferredAt,
  deferredMails,
  SharedDiagnostics,
  type DeferredAt,
  type DeferredMails,
} from './deferred-mails.js';
import { NewerFormat } from './frame.js';
import type { Log, LogMessage } from './log.js';
import { applyRecord, bornOf, untouched, type MailState } from './open-recipients.js';
import { decodeBundle, type DeferredMail, type LogEntry } from './record-frame.js';
import { RecordsBefore } from './records-before.js';

/** Messages and octets of one read. */
const batch = { messages: 256, octets: 4 * 1024 * 1024 };
/** A replica that lags gets this long to have what the leader has acknowledged. */
const lagAtMost = 30_000;
/** A read may fall into a server's restart or an election: so long it is tried again. */
const unansweredAtMost = 10_000;
const pause = 100;

export interface RecordSource {
  readonly log: Pick<Log, 'read'>;
  readonly clock: Clock;
  readonly stream: string;
  readonly subject: string;
  /** Sequence of a message that is surely there, and the last that is read. */
  readonly upTo: number;
  readonly damaged: (sequence: number, text: string) => void;
}

export interface ReplayedOutcomes {
  readonly records: RecordsBefore;
  /** Mail made by a record, and where that record stands. */
  readonly born: readonly BornMail[];
}

export interface BornMail {
  readonly mail: MailObject;
  readonly sequence: number;
}

export interface ReplayedDeferred {
  readonly mails: DeferredMails;
  /** Records about mail that is not here: written with a move that did not come to its put. */
  readonly others: readonly MailRecord[];
}

/** SPOOL's outcomes up to the owner's own epoch record. */
export async function replayOutcomes(source: RecordSource): Promise<ReplayedOutcomes> {
  const records = new RecordsBefore();
  const born: BornMail[] = [];
  for await (const { sequence, entries } of bundlesOf(source)) {
    unlessDamaged(source, sequence, () => {
      for (const entry of entries) {
        if (entry.entry !== 'record' || !records.add(entry.record)) continue;
        for (const mail of bornOf(entry.record)) born.push({ mail, sequence });
      }
    });
  }
  return { records, born };
}

/** DEFER's state up to the owner's own record there. */
export async function replayDeferred(source: RecordSource): Promise<ReplayedDeferred> {
  const replay = new DeferredReplay();
  for await (const { sequence, entries } of bundlesOf(source))
    unlessDamaged(source, sequence, () => {
      for (const entry of entries) {
        if (entry.entry === 'put') replay.put(entry.deferred, sequence);
        else if (entry.entry === 'record') replay.record(entry.record, sequence);
      }
    });
  return replay;
}

class DeferredReplay implements ReplayedDeferred {
  readonly mails = deferredMails();
  readonly others: MailRecord[] = [];
  readonly #records = new RecordsBefore();
  readonly #ended = new Set<MailId>();
  readonly #diagnostics = new SharedDiagnostics();

  put(deferred: DeferredMail, sequence: number): void {
    const { open, held } = deferred;
    // Behind its last record there is none: a put that is copied forward is not written once that record is.
    const state: MailState = held === undefined ? { open } : { open, held };
    const found = deferredAt(deferred, this.#diagnostics.of(state), { sequence });
    this.mails.set(found.id, found);
  }

  record(record: MailRecord, sequence: number): void {
    const known = this.mails.get(record.id);
    if (!known) {
      if (this.#ended.has(record.id) || !this.#records.add(record)) return;
      this.others.push(record);
    } else if (!this.#apply(known, record)) return;
    for (const { envelope, content } of bornOf(record)) {
      if (this.mails.has(envelope.id) || this.#ended.has(envelope.id)) continue;
      const state = untouched(envelope);
      const deferred = { envelope, open: state.open, home: 0 };
      const found = deferredAt(deferred, state, { sequence, bornOctets: content?.length ?? 0 });
      this.mails.set(found.id, found);
    }
  }

  /** @returns false when nothing of the record counts */
  #apply(known: DeferredAt, record: MailRecord): boolean {
    const { open } = known.state;
    if ('recipients' in record && !open.some(({ index }) => record.recipients.includes(index))) return false;
    const state = applyRecord(known.state, record);
    if (state.open.length > 0) this.mails.set(known.id, { ...known, state: this.#diagnostics.of(state) });
    else {
      this.mails.delete(record.id);
      this.#ended.add(record.id);
    }
    return true;
  }
}

export interface ReadBundle {
  readonly sequence: number;
  readonly entries: readonly LogEntry[];
}

/** All bundles of a subject up to a sequence, in order, that one included. @throws when they can't be read, NewerFormat */
export async function* bundlesOf(source: RecordSource): AsyncGenerator<ReadBundle> {
  for (let from = 1; from <= source.upTo;)
    for (const { sequence, payload } of await readFrom(source, from)) {
      if (sequence > source.upTo) return;
      from = sequence + 1;
      yield { sequence, entries: entriesIn(payload, sequence, source) };
    }
}

/** One message at least. @throws when there is none in time */
async function readFrom(
  { log, clock, stream, subject, upTo }: RecordSource,
  from: number,
): Promise<readonly LogMessage[]> {
  const since = clock.monotonic();
  for (;;) {
    let atMost = lagAtMost;
    let reason = 'a replica lags';
    try {
      const messages = await log.read(stream, subject, from, batch);
      if (messages.length > 0) return messages;
    } catch (error) {
      atMost = unansweredAtMost;
      reason = error instanceof Error ? error.message : String(error);
    }
    if (clock.monotonic() - since > atMost)
      throw new Error(`${stream} can't be read from ${from} up to ${upTo}: ${reason}`);
    await new Promise<void>((resolve) => clock.after(pause, resolve));
  }
}

/** @throws NewerFormat: the shard belongs to a newer process */
const entriesIn = (payload: Uint8Array, sequence: number, source: RecordSource): readonly LogEntry[] =>
  unlessDamaged(source, sequence, () => decodeBundle(payload).entries) ?? [];

/** One message that can't be made sense of must not stop all behind it. */
function unlessDamaged<T>({ damaged }: RecordSource, sequence: number, act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (error instanceof NewerFormat) throw error;
    damaged(sequence, error instanceof Error ? error.message : String(error));
    return undefined;
  }
}
