/** Contents of deferred mail in DEFER-CONTENT: written in bundles, read one at a time. */
import type { Clock } from '@postrider/actor';
import type { MailId } from '@postrider/mail';
import {
  decodeFrame,
  encodeFrame,
  itemLength,
  writerIdLength,
  type DecodedFrame,
  type FrameItem,
} from './frame.js';
import type { Log } from './log.js';
import { streamsOf, subjects } from './names.js';
import type { Pins } from './pins.js';
import { ContentMissing } from './spool.js';

export type ContentAt = readonly [sequence: number, index: number];

/** DEFER-CONTENT has none: the mail stays where it is. */
export class NoRoom extends Error {}

export interface DeferredContentsOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly shard: string;
  /** Of DEFER-CONTENT. */
  readonly pins: Pins;
}

interface Waiting {
  readonly item: FrameItem;
  readonly resolve: (at: ContentAt) => void;
  readonly reject: (error: Error) => void;
}

/** Octets of a bundle: reading one content back reads no more than this, or that content. */
const bundleLimit = 128 * 1024;
const retryPause = 250;
/** A MiB or two in memory. */
const framesKept = 8;
const noWriter = Buffer.alloc(writerIdLength);

export class DeferredContents {
  /**
   * No bundle up to here is a newer owner's. What follows may be one, or be on its way: contents are not fenced, so a
   * bundle of ours may well stand behind those of an owner that has taken over.
   */
  surelyOlder = 0;
  readonly #options: DeferredContentsOptions;
  readonly #stream: string;
  #queue: Waiting[] = [];
  #writing = false;
  #ended: Error | undefined;
  /** Bundles read last: mails that were deferred together are tried again together, and cleaned in their order. */
  readonly #frames = new Map<number, Promise<DecodedFrame | undefined>>();

  constructor(options: DeferredContentsOptions) {
    this.#options = options;
    this.#stream = streamsOf(options.shard).deferContent;
  }

  /**
   * Resolves when it is durable, and pins it until `named`. Not fenced: a content that no state names is only room to
   * be won back. @throws NoRoom, Fenced
   */
  write(id: MailId, content: Uint8Array): Promise<ContentAt> {
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#queue.push({ item: { head: Buffer.from(id), body: content }, resolve, reject });
      if (!this.#writing) void this.#writeAll();
    });
  }

  /** A put under our fence is durable: what was written before it is older than any owner to come. */
  fenced([sequence]: ContentAt): void {
    this.surelyOlder = Math.max(this.surelyOlder, sequence);
  }

  /** A state names it now and pins it, or never will. */
  named([sequence]: ContentAt): void {
    this.#options.pins.remove(sequence);
  }

  /** A copy: a view would keep the whole bundle in memory. @throws ContentMissing; also when the log can't be read */
  async read(id: MailId, [sequence, index]: ContentAt): Promise<Uint8Array> {
    const frame = await (this.#frames.get(sequence) ?? this.#readFrame(sequence));
    const item = frame?.items[index];
    if (!item || Buffer.from(item.head).toString('utf8') !== id)
      throw new ContentMissing(`${this.#stream} ${sequence}/${index} does not hold the content of ${id}`);
    return Buffer.from(item.body);
  }

  end(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#queue.splice(0)) reject(error);
  }

  #readFrame(sequence: number): Promise<DecodedFrame | undefined> {
    const frame = this.#fetch(sequence);
    this.#frames.set(sequence, frame);
    const forget = (): void => void this.#frames.delete(sequence);
    frame.then((found) => found ?? forget(), forget);
    const [oldest] = this.#frames.keys();
    if (this.#frames.size > framesKept && oldest !== undefined) this.#frames.delete(oldest);
    return frame;
  }

  async #fetch(sequence: number): Promise<DecodedFrame | undefined> {
    const { log, shard } = this.#options;
    const limit = { messages: 1, octets: 2 * bundleLimit };
    const [near] = await log.read(this.#stream, subjects.deferContent(shard), sequence, limit);
    // A replica that lags may not have it yet: the leader knows.
    const message = near?.sequence === sequence ? near : await log.at(this.#stream, sequence);
    return message && decodeFrame(message.payload);
  }

  async #writeAll(): Promise<void> {
    this.#writing = true;
    while (this.#queue.length > 0 && !this.#ended) {
      const bundle = this.#nextBundle();
      const frame = encodeFrame({ writer: noWriter, number: 0, items: bundle.map(({ item }) => item) });
      const written = await this.#append(frame);
      bundle.forEach(({ resolve, reject }, index) => {
        if (written instanceof Error) {
          reject(written);
          return;
        }
        this.#options.pins.add(written);
        resolve([written, index]);
      });
    }
    this.#writing = false;
  }

  async #append(frame: Buffer): Promise<number | Error> {
    const { log, clock, shard } = this.#options;
    while (!this.#ended) {
      const result = await log.append(subjects.deferContent(shard), frame);
      if (result.result === 'acknowledged') return result.sequence;
      if (result.result === 'refused' && result.reason === 'full') return new NoRoom(result.text);
      await new Promise<void>((resolve) => clock.after(retryPause, resolve));
    }
    return this.#ended;
  }

  #nextBundle(): readonly Waiting[] {
    let octets = 0;
    let count = 0;
    for (const { item } of this.#queue) {
      octets += itemLength(item);
      if (count > 0 && octets > bundleLimit) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }
}
