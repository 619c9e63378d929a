/**
 * A channel: jobs for one site, one after the other, over a way of delivery. Receives jobs from the shard that opened it,
 * gives reports; keeps its jobs until their results are on the way.
 */
import type { Clock, Logger } from './context.js';
import type { Bus } from '@postrider/bus';
import type { MailId } from '@postrider/mail';
import type { ChannelEnd, Job, OpenChannel, RecipientOutcome } from '@postrider/protocol';
import { attempted, channelFailed } from './events.js';
import { Reporter } from './reporter.js';

export interface ChannelContext {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly id: string;
  readonly request: OpenChannel;
  /** Called once, when the channel is no more. */
  readonly ended: (channel: Channel) => void;
  readonly counted: (outcome: RecipientOutcome['outcome'], recipients: number) => void;
}

/** A way of delivery: takes jobs from the channel until it ends. */
export type Delivery = (jobs: JobSource) => Promise<ChannelEnd>;

export interface JobSource {
  /** The next job that is there now. */
  now(): Job | undefined;
  /** The next job, waited for; undefined when the channel is to end: idle, closing or interrupted. */
  next(): Promise<Job | undefined>;
  done(job: Job, outcomes: readonly RecipientOutcome[]): void;
  /** Ends a wait: the connection is gone. */
  interrupt(): void;
  /** For events. */
  setTls(tls: string | undefined): void;
  readonly closing: boolean;
}

export class Channel implements JobSource {
  readonly id: string;
  readonly request: OpenChannel;
  closing = false;
  heldOctets = 0;
  readonly #context: ChannelContext;
  readonly #reporter: Reporter;
  readonly #idleAfter: number;
  readonly #queue: Job[] = [];
  readonly #held = new Map<string, Job>();
  #wake: (() => void) | undefined;
  #interrupted = false;
  #tls: string | undefined;
  #draining = false;

  /** @param idleAfter milliseconds without a job until it ends */
  constructor(context: ChannelContext, idleAfter: number) {
    this.#context = context;
    this.#idleAfter = idleAfter;
    this.id = context.id;
    this.request = context.request;
    const { bus, clock, id, request } = context;
    this.#reporter = new Reporter({
      bus,
      clock,
      shard: request.shard,
      epoch: request.epoch,
      channel: id,
      worker: bus.instance,
    });
  }

  /** Runs to its end; the last report carries it. */
  async run(delivery: Delivery): Promise<void> {
    const { bus, log, request, ended } = this.#context;
    let end: ChannelEnd;
    try {
      end = await delivery(this);
    } catch (fault) {
      log.error({ channel: this.id, fault: String(fault) }, 'channel failed');
      end = {
        reason: 'lost',
        diagnostic: { status: '4.3.0', text: 'internal error of the delivery worker' },
      };
    }
    this.closing = true;
    if (this.#draining && end.reason !== 'lost') end = { reason: 'draining' };
    if ('diagnostic' in end) channelFailed(bus, request.site, this.id, end.diagnostic);
    for (const job of [...this.#held.values()]) this.#giveBack(job);
    this.#reporter.end(end);
    ended(this);
  }

  /** @returns false when it takes none any more */
  take(jobs: readonly Job[]): boolean {
    if (this.closing) return false;
    for (const job of jobs) {
      // A job that comes twice, since its confirmation was lost, is the same job.
      if (this.#held.has(keyOf(job))) continue;
      this.#held.set(keyOf(job), job);
      this.heldOctets += octetsOf(job);
      this.#queue.push(job);
    }
    this.#wake?.();
    return true;
  }

  holds(): readonly MailId[] {
    return [...this.#held.values()].map(({ id }) => id);
  }

  /** No more jobs come: it ends when it has done what it holds. */
  close(): void {
    this.closing = true;
    this.#wake?.();
  }

  /** The mail under way is finished, the others are given back. */
  drain(): void {
    this.#draining = true;
    for (const job of this.#queue.splice(0)) this.#giveBack(job);
    this.close();
  }

  written(): Promise<void> {
    return this.#reporter.written();
  }

  now(): Job | undefined {
    return this.#queue.shift();
  }

  async next(): Promise<Job | undefined> {
    const job = this.#queue.shift();
    if (job || this.closing || this.#interrupted) return job;
    await new Promise<void>((resolve) => {
      const timer = this.#context.clock.after(this.#idleAfter, resolve);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
    this.#wake = undefined;
    return this.#queue.shift();
  }

  done(job: Job, outcomes: readonly RecipientOutcome[]): void {
    if (!this.#held.delete(keyOf(job))) return;
    this.heldOctets -= octetsOf(job);
    const { bus, clock, request, counted } = this.#context;
    attempted({ bus, site: request.site, channel: this.id, tls: this.#tls, at: clock.now() }, job, outcomes);
    for (const { outcome, recipients } of outcomes) counted(outcome, recipients.length);
    this.#reporter.add({ id: job.id, attempt: job.attempt, outcomes });
  }

  interrupt(): void {
    this.#interrupted = true;
    this.#wake?.();
  }

  setTls(tls: string | undefined): void {
    this.#tls = tls;
  }

  #giveBack(job: Job): void {
    const recipients = job.envelope.recipients.map(({ index }) => index);
    this.done(job, [
      {
        recipients,
        outcome: 'untried',
        diagnostic: { status: '4.3.2', text: 'the channel ended before its turn' },
      },
    ]);
  }
}

const keyOf = ({ id, envelope }: Job): string => `${id} ${envelope.recipients[0]?.index ?? ''}`;
const octetsOf = ({ content }: Job): number => content?.length ?? 0;
