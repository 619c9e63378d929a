/**
 * A shard's segments in log order, then its tail: batches by Direct Get, woken by a hint, and every 250 ms besides.
 * No consumer: one on a killed node stays silent (DESIGN §4).
 */
import type { Clock, Timer } from '@postrider/actor';
import type { MailObject } from '@postrider/mail';
import { times } from '@postrider/protocol';
import { decodeFrame, decodeMail, NewerFormat } from './frame.js';
import type { Log, LogMessage } from './log.js';
import { streamsOf, subjects } from './names.js';

export interface SegmentReaderOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly shard: string;
  /** A segment that can't be read: it stays in the log, and the others go on. */
  readonly damaged: (sequence: number, text: string) => void;
}

export interface SegmentMail {
  readonly mail: MailObject;
  readonly sequence: number;
}

/** A segment has up to 1 MiB. */
const batch = { messages: 16, octets: 2 * 1024 * 1024 };

export class SegmentReader {
  /** Everything before it has been read. */
  next = 1;
  /** The last read found nothing: all that was there has been read. */
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

  /** Mails as they come; between two reads it yields undefined, for what else there is. @throws NewerFormat */
  async *mails(): AsyncGenerator<SegmentMail | undefined> {
    while (!this.#closed) {
      this.#hinted = false;
      const messages = await this.#read();
      for (const message of messages) {
        yield* this.#mailsOf(message);
        this.next = message.sequence + 1;
      }
      yield undefined;
      this.caughtUp = messages.length === 0;
      if (this.caughtUp) await this.#rest();
    }
  }

  async #read(): Promise<readonly LogMessage[]> {
    const { log, shard } = this.#options;
    try {
      return await log.read(streamsOf(shard).spool, subjects.segment(shard), this.next, batch);
    } catch {
      // NATS is away or a replica is silent: the tail is asked again.
      return [];
    }
  }

  #mailsOf({ sequence, payload }: LogMessage): readonly SegmentMail[] {
    try {
      const { writer, number, items } = decodeFrame(payload);
      const name = writer.toString('latin1');
      if ((this.#numbers.get(name) ?? 0) >= number) return [];
      this.#numbers.set(name, number);
      return items.map((item) => ({ mail: decodeMail(item), sequence }));
    } catch (error) {
      if (error instanceof NewerFormat) throw error;
      this.#options.damaged(sequence, error instanceof Error ? error.message : String(error));
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
