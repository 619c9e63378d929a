/** What a channel and a way of delivery have to do with each other. */
import type { ChannelEnd, Job, RecipientOutcome } from '@postrider/protocol';

/** The channel's side. */
export interface JobSource {
  /** The next job that is there right now. */
  take(): Job | undefined;
  /** Jobs that nobody has taken yet. */
  readonly waiting: number;
  /** What became of a job; the outcomes name all of its recipients. */
  done(job: Job, outcomes: readonly RecipientOutcome[]): void;
  /** The connection is encrypted: protocol and cipher, for events. */
  encrypted(tls: string): void;
}

/** A way of delivery: takes jobs until it ends, by itself when there are none for `times.channelIdle`. */
export interface Delivery {
  readonly state: DeliveryState;
  /** Called once. Resolves when every job it took is done; what it has not taken is the channel's to give back. */
  run(jobs: JobSource): Promise<ChannelEnd>;
  /** Jobs wait. */
  offered(): void;
  /** No more jobs will come than wait now. */
  finish(): void;
  /** Ends at once: what is not surely done is untried or unknown. */
  abandon(): void;
}

export type DeliveryState = 'connecting' | 'idle' | 'busy' | 'ending';

/** Chunks of a job's large content, in order. */
export type LargeContentReader = (job: Job) => AsyncIterable<Uint8Array>;
