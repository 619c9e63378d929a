/**
 * A channel's results to the shard that asked for them: bundled, repeated until the owner - whoever that is by then -
 * says that they are written. A result is forgotten only then.
 */
import type { Clock } from '@postrider/actor';
import type { Bus, Ref } from '@postrider/bus';
import type { MailId } from '@postrider/mail';
import { shard as shardProtocol, times, type ChannelEnd, type JobResult } from '@postrider/protocol';
import { manyResults, type ReportLane, type Reporting } from './report-lane.js';

export interface ReporterOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly lane: ReportLane;
  readonly shard: string;
  readonly epoch: number;
  readonly channel: string;
}

/** Of the largest message: the rest is for what an estimate misses. */
const shareOfPayload = 0.5;
/** A result without its texts, octets. */
const octetsOfResult = 100;

export class Reporter implements Reporting {
  readonly #options: ReporterOptions;
  readonly #owner: Ref<(typeof shardProtocol)['messages']>;
  readonly #unwritten: JobResult[] = [];
  #end: ChannelEnd | undefined;
  #state: 'quiet' | 'queued' | 'sent' | 'pausing' = 'quiet';
  readonly #whenWritten: (() => void)[] = [];

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#owner = options.bus.ref(shardProtocol, options.shard);
  }

  /** Mails whose results are not known to be written. */
  get unwritten(): readonly MailId[] {
    return this.#unwritten.map(({ id }) => id);
  }

  add(result: JobResult): void {
    this.#unwritten.push(result);
    if (this.#state === 'queued' && this.#unwritten.length === manyResults) this.#options.lane.hurry(this);
    else this.#want();
  }

  /** The last report, behind all results, says why the channel is no more. */
  end(end: ChannelEnd): void {
    this.#end = end;
    this.#want();
  }

  /** Resolves when everything is written. */
  written(): Promise<void> {
    return this.#isWritten ? Promise.resolve() : new Promise((resolve) => this.#whenWritten.push(resolve));
  }

  async send(): Promise<void> {
    const { clock } = this.#options;
    this.#state = 'sent';
    const results = this.#unwritten.slice(0, this.#bundle());
    const ended = results.length === this.#unwritten.length ? this.#end : undefined;
    const sentAt = clock.monotonic();
    if (await this.#ask(results, ended)) {
      this.#unwritten.splice(0, results.length);
      if (ended) this.#end = undefined;
      this.#again();
    } else {
      this.#state = 'pausing';
      clock.after(Math.max(0, times.resultRepeated - (clock.monotonic() - sentAt)), () => this.#again());
    }
  }

  get #isWritten(): boolean {
    return this.#unwritten.length === 0 && this.#end === undefined;
  }

  #want(): void {
    if (this.#state !== 'quiet') return;
    this.#state = 'queued';
    this.#options.lane.enqueue(this, this.#unwritten.length);
  }

  #again(): void {
    this.#state = 'quiet';
    if (!this.#isWritten) this.#want();
    else for (const resolve of this.#whenWritten.splice(0)) resolve();
  }

  /** How many results go into one message; at least one. */
  #bundle(): number {
    let left = this.#options.bus.maxPayloadInOctets * shareOfPayload;
    let count = 0;
    for (const { outcomes } of this.#unwritten) {
      for (const { recipients, diagnostic } of outcomes)
        left -= octetsOfResult + 3 * recipients.length + diagnostic.text.length;
      if (left < 0 && count > 0) break;
      count++;
    }
    return count;
  }

  /** @returns false when nobody owns the shard, its owner is another by now, or the answer was lost: repeated */
  async #ask(results: readonly JobResult[], ended: ChannelEnd | undefined): Promise<boolean> {
    const { bus, channel, epoch } = this.#options;
    const report = { channel, worker: bus.instance, epoch, results, ...(ended ? { ended } : {}) };
    try {
      return (await this.#owner.ask('report', report)).result === 'written';
    } catch {
      return false;
    }
  }
}
