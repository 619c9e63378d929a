/** queue-manager as a pool: which shards there are and who owns them, as this instance knows it. */
import { defineProtocol, request } from '@postrider/actor';
import { times } from './times.js';

export interface ShardOwnership {
  readonly shard: string;
  /** Instance name; absent while nobody holds the lease. */
  readonly owner?: string;
}

export const queueManager = defineProtocol('queue-manager', 'pool', {
  shards: request<Record<string, never>, { readonly shards: readonly ShardOwnership[] }>({
    deadline: times.ask,
    concurrent: true,
  }),
});

/** An outbound-delivery, as one queue-manager tells another of it. */
export interface ToldWorker {
  readonly worker: string;
  /** It said that it drains. */
  readonly drains: boolean;
  /** Milliseconds since it was heard. */
  readonly heardAgo: number;
}

/** One queue-manager by its instance's name: who lets go of a shard tells the next owner, which need not look for it. */
export const keeper = defineProtocol('keeper', 'keyed', {
  /**
   * The shard is free: its lease is given back. From one that goes on, it is refused above one's share. `workers` are all
   * that there are, so that one that was started an instant ago need not wait to hear each; absent: not known either.
   */
  take: request<
    { readonly shard: string; readonly leaving: boolean; readonly workers?: readonly ToldWorker[] },
    { readonly result: 'taken' | 'refused' }
  >({
    deadline: times.ask,
    concurrent: true,
  }),
});
