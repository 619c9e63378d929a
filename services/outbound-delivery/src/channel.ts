/**
 * A channel: jobs for one site over one way of delivery. Receives jobs from the shard that opened it and gives reports;
 * keeps its jobs until their results are on the way, and the results until they are written.
 */
import type { Clock } from '@postrider/actor';
import type { Bus } from '@postrider/bus';
import type { MailId } from '@postrider/mail';
import {
  times,
  type ChannelEnd,
  type Job,
  type OpenChannel,
  type RecipientOutcome,
} from '@postrider/protocol';
import type { Logger } from '@postrider/runtime';
import type { Delivery, DeliveryState, JobSource } from './delivery.js';
import { attempted, channelFailed } from './events.js';
import type { ReportLane } from './report-lane.js';
import { Reporter } from './reporter.js';

export interface ChannelContext {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly id: string;
  readonly request: OpenChannel;
  readonly delivery: Delivery;
  readonly lane: ReportLane;
  /** Octets of content taken (or, negative, done with). */
  readonly weighed: (octets: number) => void;
  readonly counted: (outcome: RecipientOutcome['outcome'], recipients: number) => void;
}

/** An owner has at most 1 MiB at a channel; twice that, since a result may cross with the jobs that follow it. */
const heldOctetsLimit = 2 * 1024 * 1024;

/** Why a worker ends a channel. */
export type EarlyEnd = 'draining' | 'epoch' | 'unheard';

export class Channel implements JobSource {
  readonly id: string;
  readonly request: OpenChannel;
  readonly #context: ChannelContext;
  readonly #reporter: Reporter;
  readonly #queue: Job[] = [];
  readonly #held = new Map<string, Job>();
  #heldOctets = 0;
  #tls: string | undefined;
  /** No more jobs are taken. */
  #closing = false;
  /** Jobs have come, or none will. */
  #begin: () => void = () => undefined;
  /** Why it ends early. */
  #reason: EarlyEnd | undefined;

  constructor(context: ChannelContext) {
    this.#context = context;
    this.id = context.id;
    this.request = context.request;
    const { bus, clock, lane, id, request } = context;
    const { shard, epoch } = request;
    this.#reporter = new Reporter({ bus, clock, lane, shard, epoch, channel: id });
  }

  /**
   * Runs to its end and resolves when all results are written; the last report carries the end. It does not connect
   * before it has jobs: an opener that did not hear that it is there sends none, and does not count it.
   */
  async run(): Promise<void> {
    const { bus, request } = this.#context;
    await this.#beginning();
    let end: ChannelEnd = this.#held.size > 0 ? await this.#deliver() : { reason: 'idle' };
    this.#closing = true;
    if (this.#reason !== undefined && !('diagnostic' in end)) end = { reason: this.#reason };
    if ('diagnostic' in end) channelFailed(bus, request.site, this.id, end.diagnostic);
    for (const job of [...this.#held.values()]) this.#giveBack(job, 'the channel ended before its turn');
    this.#queue.length = 0;
    this.#reporter.end(end);
    await this.#reporter.written();
  }

  take(): Job | undefined {
    return this.#queue.shift();
  }

  get waiting(): number {
    return this.#queue.length;
  }

  get state(): DeliveryState {
    return this.#closing ? 'ending' : this.#context.delivery.state;
  }

  /** @returns why not, or undefined when they are taken */
  accept(jobs: readonly Job[]): string | undefined {
    if (this.#closing) return 'the channel is closing';
    const octets = jobs.reduce((sum, job) => sum + octetsOf(job), 0);
    if (this.#held.size > 0 && this.#heldOctets + octets > heldOctetsLimit)
      return `the channel holds ${this.#heldOctets} octets`;
    for (const job of jobs) {
      // One that comes twice, since its confirmation was lost, is the same job.
      if (this.#held.has(keyOf(job))) continue;
      this.#held.set(keyOf(job), job);
      this.#weigh(octetsOf(job));
      this.#queue.push(job);
    }
    this.#context.delivery.offered();
    this.#begin();
    return undefined;
  }

  /** What it has not done with: results that may not be written yet are its own still. */
  holds(): readonly MailId[] {
    return [...new Set([...[...this.#held.values()].map(({ id }) => id), ...this.#reporter.unwritten])];
  }

  /** No more jobs come: it ends when it has done what it holds. */
  close(): void {
    this.#closing = true;
    this.#context.delivery.finish();
    this.#begin();
  }

  /** The mail under way is finished, the others are given back. */
  endEarly(reason: EarlyEnd): void {
    this.#reason ??= reason;
    for (const job of this.#queue.splice(0)) this.#giveBack(job, 'the channel was closed before its turn');
    this.close();
  }

  /** There is no more time for the mail under way. */
  abandon(): void {
    this.#context.delivery.abandon();
  }

  done(job: Job, outcomes: readonly RecipientOutcome[]): void {
    if (!this.#held.delete(keyOf(job))) return;
    this.#weigh(-octetsOf(job));
    const { bus, clock, request, counted } = this.#context;
    attempted({ bus, site: request.site, channel: this.id, tls: this.#tls, at: clock.now() }, job, outcomes);
    for (const { outcome, recipients } of outcomes) counted(outcome, recipients.length);
    this.#reporter.add({ id: job.id, attempt: job.attempt, outcomes });
  }

  encrypted(tls: string): void {
    this.#tls = tls;
  }

  #beginning(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#context.clock.after(times.channelIdle, resolve);
      this.#begin = () => {
        timer.cancel();
        resolve();
      };
      if (this.#closing || this.#held.size > 0) this.#begin();
    });
  }

  async #deliver(): Promise<ChannelEnd> {
    const { log, delivery } = this.#context;
    try {
      return await delivery.run(this);
    } catch (fault) {
      log.error({ channel: this.id, fault }, 'a channel failed');
      const diagnostic = { status: '4.3.0', text: 'internal error of the delivery worker' };
      return { reason: 'lost', diagnostic };
    }
  }

  #weigh(octets: number): void {
    this.#heldOctets += octets;
    this.#context.weighed(octets);
  }

  #giveBack(job: Job, text: string): void {
    const recipients = job.envelope.recipients.map(({ index }) => index);
    this.done(job, [{ recipients, outcome: 'untried', diagnostic: { status: '4.3.2', text } }]);
  }
}

const keyOf = ({ id, envelope }: Job): string => `${id} ${envelope.recipients[0]?.index ?? ''}`;
const octetsOf = ({ content }: Job): number => content?.length ?? 0;
