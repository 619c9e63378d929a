/**
 * What a replay could not get past, kept aside whole (DESIGN §4): a damaged message, a record on which replays die. One
 * stream for all shards, a subject a record; only the shard's owner writes there.
 *
 * What is released or deleted leaves a stub for as long as the original stands in the shard's log, which would be read
 * again otherwise.
 */
import { crc32 } from 'node:zlib';
import { Packr } from 'msgpackr';
import type { MailId } from '@postrider/mail';
import { decodeFrame, encodeFrame, writerIdLength } from './frame.js';
import type { Log, LogMessage } from './log.js';
import { quarantineStream, streamsOf, subjects } from './names.js';
import type { ReplayedLog } from './record-frame.js';
import type { OpenRecipient, QuarantinedRecord } from './spool.js';

/** What stands at the head of a kept record. */
export interface KeptHead {
  readonly log: ReplayedLog;
  /** Its sequence in the shard's log. */
  readonly sequence: number;
  /** One mail of a segment: the body is a frame of it alone. */
  readonly mail?: MailId;
  /** Of that mail. */
  readonly open?: readonly OpenRecipient[];
  /** An item of a segment whose octets are not those that were written: the body is the whole segment. */
  readonly item?: number;
  readonly reason: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Set once it has been released or deleted. */
  readonly over?: true;
}

export interface Kept {
  readonly head: KeptHead;
  readonly body: Uint8Array;
}

export interface QuarantineOptions {
  readonly log: Log;
  readonly shard: string;
}

// Plain maps, so that another version reads fields it does not know.
const packr = new Packr({ useRecords: false });
const noWriter = Buffer.alloc(writerIdLength);
const nothing = new Uint8Array(0);

export class Quarantine {
  readonly #options: QuarantineOptions;
  readonly #heads = new Map<string, KeptHead>();
  /** Of messages that are kept whole. */
  readonly #places = new Set<string>();
  /** Of kept mails, stubs too. */
  readonly #mails = new Set<MailId>();

  constructor(options: QuarantineOptions) {
    this.#options = options;
  }

  /** Those that somebody has to look at. */
  get records(): readonly QuarantinedRecord[] {
    return [...this.#heads].flatMap(([key, head]) => (head.over ? [] : [recordOf(key, head)]));
  }

  /** Reads what is there of the shard; stubs whose original is truncated go. @throws when the log can't be reached */
  async open(): Promise<void> {
    const { log, shard } = this.#options;
    // A cluster whose operator has not made it yet.
    if (!(await log.streams()).includes(quarantineStream)) return;
    const prefix = subjects.quarantined(shard, '');
    for (const subject of await log.subjects(quarantineStream, subjects.quarantineOf(shard))) {
      const message = await log.last(quarantineStream, subject);
      if (!message) continue;
      const { head } = decodeKept(message.payload);
      const key = subject.slice(prefix.length);
      const standing = await this.#stands(key, head);
      if (head.over && !standing) await log.purge(quarantineStream, subject);
      else this.#note(key, head, standing);
    }
  }

  has(log: ReplayedLog, { sequence }: LogMessage): boolean {
    return this.#places.has(placeOf(log, sequence));
  }

  hasMail(id: MailId): boolean {
    return this.#mails.has(id);
  }

  /**
   * Keeps a copy, once.
   * @param original the message it comes from
   * @returns whether it is the first copy; @throws when it can't be written
   */
  async keep(head: KeptHead, original: Uint8Array, body = original): Promise<QuarantinedRecord | undefined> {
    const { log, shard } = this.#options;
    const key = keyOf(head, original);
    if (this.#heads.has(key)) return undefined;
    const frame = encodeKept({ head, body });
    const result = await log.append(subjects.quarantined(shard, key), frame, { expectedLast: 0 });
    const stale = result.result === 'refused' && result.reason === 'stale';
    if (result.result !== 'acknowledged' && !stale) throw new Error(`${quarantineStream}: ${result.text}`);
    this.#note(key, head);
    return stale ? undefined : recordOf(key, head);
  }

  /** @returns undefined when there is no such record */
  async read(key: string): Promise<Kept | undefined> {
    const { log, shard } = this.#options;
    if (this.#heads.get(key)?.over !== undefined || !this.#heads.has(key)) return undefined;
    const message = await log.last(quarantineStream, subjects.quarantined(shard, key));
    return message && decodeKept(message.payload);
  }

  /** It is dealt with. @throws when it can't be written */
  async end(key: string): Promise<void> {
    const { log, shard } = this.#options;
    const head = this.#heads.get(key);
    if (head === undefined) return;
    const over: KeptHead = { ...head, over: true };
    const result = await log.append(
      subjects.quarantined(shard, key),
      encodeKept({ head: over, body: nothing }),
    );
    if (result.result !== 'acknowledged') throw new Error(`${quarantineStream}: ${result.text}`);
    this.#heads.set(key, over);
  }

  #note(key: string, head: KeptHead, standing = true): void {
    const { log, sequence, mail, item } = head;
    this.#heads.set(key, head);
    if (mail !== undefined) this.#mails.add(mail);
    else if (item === undefined && standing) this.#places.add(placeOf(log, sequence));
  }

  /** Does the original still stand in the shard's log? A stream that was made anew counts from 1 again. */
  async #stands(key: string, { log: kind, sequence, mail, item }: KeptHead): Promise<boolean> {
    const { log, shard } = this.#options;
    const { spool, defer } = streamsOf(shard);
    const message = await log.at(kind === 'defer' ? defer : spool, sequence);
    if (message === undefined || mail !== undefined) return message !== undefined;
    return key === keyOf({ log: kind, sequence, ...(item === undefined ? {} : { item }) }, message.payload);
  }
}

const recordOf = (key: string, { log, sequence, mail, reason, at }: KeptHead): QuarantinedRecord => ({
  key,
  log,
  sequence,
  ...(mail === undefined ? {} : { mail }),
  reason,
  at,
});

const placeOf = (log: ReplayedLog, sequence: number): string => `${log}-${sequence}`;

/** A stream that was made anew counts from 1 again: the checksum tells another message from this one. */
function keyOf({ log, sequence, mail, item }: Partial<KeptHead>, original: Uint8Array): string {
  const part = mail ?? (item === undefined ? undefined : `item${item}`);
  const checksum = crc32(original).toString(16).padStart(8, '0');
  return [log, sequence, checksum, ...(part === undefined ? [] : [part])].join('-');
}

const encodeKept = ({ head, body }: Kept): Buffer =>
  encodeFrame({ writer: noWriter, number: 0, items: [{ head: packr.pack(head), body }] });

/** @throws DamagedFrame, NewerFormat */
function decodeKept(payload: Uint8Array): Kept {
  const [item] = decodeFrame(payload).items;
  if (item === undefined) throw new Error('a record of QUARANTINE has a wrong checksum');
  return { head: packr.unpack(item.head) as KeptHead, body: item.body };
}
