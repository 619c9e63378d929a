/** What everything within one owned shard is given. */
import type { Clock } from '@postrider/actor';
import type { Bus } from '@postrider/bus';
import type { Logger } from '@postrider/runtime';
import type { ShardOwner, Spool } from '@postrider/spool';
import type { Workers } from '../leases/known-workers.js';
import type { Router } from '../routing/router.js';
import type { Settings } from '../settings.js';

export interface ShardEnvironment {
  readonly shard: string;
  readonly bus: Bus;
  readonly spool: Spool;
  readonly owner: ShardOwner;
  readonly clock: Clock;
  readonly log: Logger;
  readonly router: Router;
  readonly settings: () => Settings;
  /** All shards, sorted: what sites hash to. */
  readonly shards: () => readonly string[];
  /** The whole system has just started: no worker has channels, and no shard a grant. */
  readonly systemStarts: boolean;
  readonly workers: Workers;
  /** The lease was renewed lately enough to dispatch. */
  readonly trusted: () => boolean;
  /** It was renewed so lately that no other owner can be there before a worker that is heard no more has gone quiet. */
  readonly notesBeats: () => boolean;
  /** Runs it once the messages at hand are handled, so that one pass serves them all. */
  readonly soon: (act: () => void) => void;
}
