/** Delivery on this machine: into Maildirs, or nowhere; several mails at once. */
import type { Clock } from '@postrider/actor';
import { times, type ChannelEnd, type Job, type RecipientOutcome } from '@postrider/protocol';
import type { Delivery, DeliveryState, JobSource } from '../delivery.js';

/** What becomes of one job. What it throws is a fault, and ends the delivery. */
export type Deliver = (job: Job) => Promise<readonly RecipientOutcome[]> | readonly RecipientOutcome[];

export const discard: Deliver = ({ envelope }) => [
  {
    recipients: envelope.recipients.map(({ index }) => index),
    outcome: 'delivered',
    diagnostic: { status: '2.0.0', text: 'discarded by route' },
  },
];

/** Each waits for two syncs: several share the disk's time. */
const mailsAtOnce = 16;
/** How often an idle delivery looks at the time: one timer, whatever it carries. */
const patrolled = 1_000;

export class LocalDelivery implements Delivery {
  readonly #deliver: Deliver;
  readonly #clock: Clock;
  #jobs: JobSource | undefined;
  readonly #underWay = new Set<Job>();
  #idleSince: number;
  #finishing = false;
  #over = false;
  #end: (end: ChannelEnd) => void = () => undefined;
  #fail: (fault: unknown) => void = () => undefined;

  constructor(deliver: Deliver, clock: Clock) {
    this.#deliver = deliver;
    this.#clock = clock;
    this.#idleSince = clock.monotonic();
  }

  get state(): DeliveryState {
    if (this.#underWay.size > 0) return 'busy';
    return this.#finishing ? 'ending' : 'idle';
  }

  run(jobs: JobSource): Promise<ChannelEnd> {
    this.#jobs = jobs;
    return new Promise((resolve, reject) => {
      this.#end = (end) => {
        this.#over = true;
        resolve(end);
      };
      this.#fail = reject;
      const watch = (): void => {
        if (this.#over) return;
        if (this.state === 'idle' && this.#clock.monotonic() - this.#idleSince >= times.channelIdle)
          this.#end({ reason: 'idle' });
        else this.#clock.after(patrolled, watch);
      };
      watch();
      this.offered();
    });
  }

  offered(): void {
    while (this.#jobs && !this.#over && this.#underWay.size < mailsAtOnce) {
      const job = this.#jobs.take();
      if (job === undefined) break;
      this.#start(job);
    }
    if (this.#finishing && this.#underWay.size === 0) this.#end({ reason: 'closed' });
  }

  finish(): void {
    this.#finishing = true;
    this.offered();
  }

  /** A mail that is in new already when it is tried again is not delivered twice: untried is safe to say. */
  abandon(): void {
    this.#finishing = true;
    for (const job of [...this.#underWay]) {
      const recipients = job.envelope.recipients.map(({ index }) => index);
      const diagnostic = { status: '4.3.2', text: 'the delivery worker was stopped' };
      this.#done(job, [{ recipients, outcome: 'untried', diagnostic }]);
    }
    this.offered();
  }

  #start(job: Job): void {
    this.#underWay.add(job);
    const outcomes = this.#deliver(job);
    if (!(outcomes instanceof Promise)) this.#done(job, outcomes);
    else
      void outcomes.then((all) => {
        this.#done(job, all);
        this.offered();
      }, this.#fail);
  }

  #done(job: Job, outcomes: readonly RecipientOutcome[]): void {
    if (!this.#underWay.delete(job)) return;
    this.#idleSince = this.#clock.monotonic();
    this.#jobs?.done(job, outcomes);
  }
}
