/** Contents of deferred mail in DEFER-CONTENT: written in bundles, read one at a time. */
import type { Clock } from '@postrider/actor';
import { decodeFrame, encodeFrame, itemLength, type FrameItem } from './frame.js';
import type { Log } from './log.js';
import { streamsOf, subjects } from './names.js';
import type { Pins } from './pins.js';
import { ContentMissing } from './spool.js';

export type ContentAt = readonly [sequence: number, index: number];

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
const noWriter = Buffer.alloc(16);

export class DeferredContents {
  /** Sequence of the last bundle this owner wrote, or that was there before: what follows may be on its way. */
  written = 0;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #shard: string;
  readonly #pins: Pins;
  #queue: Waiting[] = [];
  #busy = false;
  #ended: Error | undefined;

  constructor({ log, clock, shard, pins }: DeferredContentsOptions) {
    this.#log = log;
    this.#clock = clock;
    this.#shard = shard;
    this.#pins = pins;
  }

  /**
   * Resolves when it is durable, and pins it until `named`. Not fenced: a content that no state names is only room to
   * be won back.
   */
  write(id: string, content: Uint8Array): Promise<ContentAt> {
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#queue.push({ item: { head: Buffer.from(id), body: content }, resolve, reject });
      if (!this.#busy) void this.#writeAll();
    });
  }

  /** A state names it now and pins it, or never will. */
  named([sequence]: ContentAt): void {
    this.#pins.remove(sequence);
  }

  /** @throws ContentMissing; also when the log can't be read */
  async read([sequence, index]: ContentAt): Promise<Uint8Array> {
    const { deferContent } = streamsOf(this.#shard);
    const limit = { messages: 1, octets: 1024 * 1024 };
    const [message] = await this.#log.read(deferContent, subjects.deferContent(this.#shard), sequence, limit);
    const item = message?.sequence === sequence ? decodeFrame(message.payload).items[index] : undefined;
    if (!item) throw new ContentMissing(`${deferContent} ${sequence}/${index} is missing`);
    // A copy: the view would keep the whole bundle in memory for as long as the mail is active.
    return Buffer.from(item.body);
  }

  end(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#queue.splice(0)) reject(error);
  }

  async #writeAll(): Promise<void> {
    this.#busy = true;
    while (this.#queue.length > 0 && !this.#ended) {
      const bundle = this.#nextBundle();
      const frame = encodeFrame({ writer: noWriter, number: 0, items: bundle.map(({ item }) => item) });
      const sequence = await this.#append(frame);
      bundle.forEach(({ resolve, reject }, index) => {
        if (sequence === undefined) return reject(this.#ended ?? new Error('ended'));
        this.#pins.add(sequence);
        resolve([sequence, index]);
      });
    }
    this.#busy = false;
  }

  async #append(frame: Buffer): Promise<number | undefined> {
    while (!this.#ended) {
      const result = await this.#log.append(subjects.deferContent(this.#shard), frame);
      if (result.result === 'acknowledged') return (this.written = result.sequence);
      await new Promise<void>((resolve) => this.#clock.after(retryPause, resolve));
    }
    return undefined;
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
