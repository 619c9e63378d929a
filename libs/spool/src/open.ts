/** A spool over a log: the one way that services get at it. */
import { systemClock, type Clock } from '@postrider/actor';
import { diskRoomOf, type DiskRoom } from './disk-room.js';
import { connectJetStreamLog, type JetStreamOptions } from './jetstream.js';
import { readLargeContent } from './large-content.js';
import { spreadLeaders } from './spread-leaders.js';
import { leasesOver, shardsOf } from './leases.js';
import type { Log } from './log.js';
import { MemoryLog, MemoryStore } from './memory.js';
import { ownShard } from './owner.js';
import type { Spool } from './spool.js';
import { giveUpAfter, SegmentWriter } from './writer.js';

export interface SpoolOptions extends JetStreamOptions {
  readonly clock?: Clock;
  /** Where the server's store is, when it is our own, on this machine: new mail stops before that disk is full. */
  readonly storeFolder?: string;
}

/** @throws NatsError when no server answers */
export async function connectSpool(options: SpoolOptions): Promise<Spool> {
  const { clock = systemClock, replicas, storeFolder } = options;
  const log = await connectJetStreamLog(options);
  return spoolOver(log, {
    clock,
    giveUpAfter: giveUpAfter(replicas),
    ...(storeFolder === undefined ? {} : { disk: diskRoomOf(storeFolder) }),
  });
}

/** For tests; two spools over one store are two processes over one NATS. */
export function memorySpool(options: {
  readonly store?: MemoryStore;
  readonly maxSizeInOctets?: number;
  readonly clock?: Clock;
}): Spool {
  const log = new MemoryLog(
    options.store ?? new MemoryStore(),
    options.maxSizeInOctets ?? 1024 ** 3,
    options.clock,
  );
  return spoolOver(log, { clock: options.clock ?? systemClock, giveUpAfter: giveUpAfter(1) });
}

export interface SpoolContext {
  readonly clock: Clock;
  /** How long a segment of unknown fate is retried, milliseconds. */
  readonly giveUpAfter: number;
  readonly disk?: DiskRoom;
  /** DEFER is cleaned when it is larger, octets. */
  readonly cleanedOver?: number;
  /** Replays that end with the same record in hand before it is set aside. */
  readonly deathsAtMost?: number;
}

export function spoolOver(log: Log, context: SpoolContext): Spool {
  return {
    prepare: (shards) => log.prepare(shards),
    shards: () => shardsOf(log),
    writer: (options) => new SegmentWriter({ log, ...context }, options),
    own: (shard, options) => ownShard({ ...options, ...context, log, shard }),
    leases: () => leasesOver(log),
    spreadLeaders: () => spreadLeaders(log),
    largeContent: (shard, large) => readLargeContent(log, shard, large),
    close: () => log.close(),
  };
}
