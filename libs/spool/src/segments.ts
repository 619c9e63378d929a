/**
 * A shard's segments in log order, then its tail: batches by Direct Get, woken by a hint, and every 250 ms besides.
 * No consumer: one on a killed node stays silent (DESIGN §4).
 */
import type { Clock, Timer } from '@postrider/actor';
import type { MailObject } from '@postrider/mail';
import { times } from '@postrider/protocol';
import { DamagedFrame, decodeFrame, decodeMail, NewerFormat, type FrameItem } from './frame.js';
import type { Log, LogMessage } from './log.js';
import { streamsOf, subjects } from './names.js';

export interface SegmentReaderOptions {
  readonly log: Pick<Log, 'read'>;
  readonly clock: Clock;
  readonly shard: string;
  /** A segment, or a mail in it, that can't be read: it stays in the log, and the others go on. */
  readonly damaged: (sequence: number, text: string, item?: number) => void;
}

export interface SegmentMail {
  readonly mail: MailObject;
  readonly sequence: number;
}

/** Undefined: nobody answered. */
type Batch = readonly LogMessage[] | undefined;

/** A segment has up to 1 MiB. */
const batch = { messages: 16, octets: 2 * 1024 * 1024 };

export class SegmentReader {
  /** Everything before it has been read and given out. */
  next = 1;
  /** The last read found nothing, or the last there was. */
  caughtUp = false;
  readonly #options: SegmentReaderOptions;
  /** By writer: the last number seen; a segment that landed twice is known by it. */
  readonly #numbers = new Map<string, number>();
  #hinted = false;
  #wake: (() => void) | undefined;
  #closed = false;

  constructor(options: SegmentReaderOptions) {
    this.#options = options;
  }

  /** There may be more to read, or something else to do. */
  wake(): void {
    this.#hinted = true;
    this.#wake?.();
  }

  close(): void {
    this.#closed = true;
    this.wake();
  }

  /**
   * The mails of one segment after another; an empty list when all that was read is given out. The next batch is read
   * while one is given out. @throws NewerFormat
   */
  async *mails(): AsyncGenerator<readonly SegmentMail[]> {
    let ahead: Promise<Batch> | undefined = this.#read(this.next);
    while (!this.#closed) {
      const messages = await ahead;
      const last = messages?.at(-1);
      if (last) ahead = this.#readOn(last);
      for (const message of messages ?? []) {
        yield this.#mailsOf(message);
        this.next = message.sequence + 1;
      }
      if (messages) this.caughtUp = ahead === undefined || !last;
      yield [];
      if (last && ahead) continue;
      await this.#rest();
      this.#hinted = false;
      ahead = this.#read(this.next);
    }
  }

  /** Nothing where the log says that this is the last, unless a hint came meanwhile of one that the read did not see. */
  #readOn({ sequence, last }: LogMessage): Promise<Batch> | undefined {
    const more = last !== true || this.#hinted;
    this.#hinted = false;
    return more ? this.#read(sequence + 1) : undefined;
  }

  /** Never rejects. */
  async #read(from: number): Promise<Batch> {
    const { log, shard } = this.#options;
    try {
      return await log.read(streamsOf(shard).spool, subjects.segment(shard), from, batch);
    } catch {
      // NATS is away or a replica is silent: the tail is asked again.
      return undefined;
    }
  }

  #mailsOf({ sequence, payload }: LogMessage): readonly SegmentMail[] {
    try {
      const { writer, number, items } = decodeFrame(payload);
      const name = writer.toString('latin1');
      if ((this.#numbers.get(name) ?? 0) >= number) return [];
      this.#numbers.set(name, number);
      return items.flatMap((item, index) => this.#mailOf(item, index, sequence));
    } catch (error) {
      if (error instanceof NewerFormat) throw error;
      this.#options.damaged(sequence, textOf(error));
      return [];
    }
  }

  /** One damaged mail holds itself, not those beside it. */
  #mailOf(item: FrameItem | undefined, index: number, sequence: number): readonly SegmentMail[] {
    try {
      if (!item) throw new DamagedFrame('wrong checksum');
      return [{ mail: decodeMail(item), sequence }];
    } catch (error) {
      this.#options.damaged(sequence, textOf(error), index);
      return [];
    }
  }

  async #rest(): Promise<void> {
    if (this.#hinted || this.#closed) return;
    let timer: Timer | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      timer = this.#options.clock.after(times.tailPoll, resolve);
    });
    timer?.cancel();
    this.#wake = undefined;
  }
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
