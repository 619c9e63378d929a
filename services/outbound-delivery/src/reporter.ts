/**
 * Results to the shard that asked for them: bundled, one report under way, repeated until the owner says that they are
 * written. A result is forgotten only then.
 */
import type { Clock } from '@postrider/actor';
import type { Bus, Ref } from '@postrider/bus';
import { shard as shardProtocol, times, type ChannelEnd, type JobResult } from '@postrider/protocol';

export interface ReporterOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly shard: string;
  readonly epoch: number;
  readonly channel: string;
  readonly worker: string;
}

/** Between two tries while nobody owns the shard, or NATS is away. */
const retryPause = 500;
/** Results in one report: some 300 octets each. */
const bundle = 1000;

export class Reporter {
  readonly #options: ReporterOptions;
  readonly #owner: Ref<(typeof shardProtocol)['messages']>;
  #results: JobResult[] = [];
  #end: ChannelEnd | undefined;
  #busy = false;
  readonly #idle: (() => void)[] = [];

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#owner = options.bus.ref(shardProtocol, options.shard);
  }

  add(result: JobResult): void {
    this.#results.push(result);
    if (!this.#busy) this.#start();
  }

  end(end: ChannelEnd): void {
    this.#end = end;
    if (!this.#busy) this.#start();
  }

  /** Resolves when everything is written. */
  written(): Promise<void> {
    return this.#busy ? new Promise((resolve) => this.#idle.push(resolve)) : Promise.resolve();
  }

  #start(): void {
    this.#busy = true;
    // What finishes in the same turn goes along.
    queueMicrotask(() => void this.#reportAll());
  }

  async #reportAll(): Promise<void> {
    while (this.#results.length > 0 || this.#end) {
      const results = this.#results.splice(0, bundle);
      const ended = this.#results.length === 0 ? this.#end : undefined;
      if (ended) this.#end = undefined;
      await this.#report(results, ended);
    }
    this.#busy = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #report(results: readonly JobResult[], ended: ChannelEnd | undefined): Promise<void> {
    const { channel, worker, epoch, clock } = this.#options;
    const report = { channel, worker, epoch, results, ...(ended ? { ended } : {}) };
    for (;;) {
      try {
        const answer = await this.#owner.ask('report', report, { deadline: times.resultRepeated * 5 });
        if (answer.result === 'written') return;
      } catch {
        // Nobody owns it, or the answer was lost: repeated, the owner knows results it has written.
      }
      await new Promise<void>((resolve) => clock.after(retryPause, resolve));
    }
  }
}
