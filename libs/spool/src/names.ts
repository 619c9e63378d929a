/** The streams of a shard, their subjects, and each one's share of the room (DESIGN §3). */

/**
 * - spool: `.segment` from every smtp-ingress, `.outcome` from the owner alone
 * - defer: `.state` from the owner alone: envelope and status of each deferred mail
 * - deferContent: `.content`, bundles of contents of deferred mail
 * - content: `<content id>.<n>`, chunks of large contents
 */
export interface ShardStreams {
  readonly spool: string;
  readonly defer: string;
  readonly deferContent: string;
  readonly content: string;
}

export const streamsOf = (shard: string): ShardStreams => ({
  spool: `SPOOL-${shard}`,
  defer: `DEFER-${shard}`,
  deferContent: `DEFER-CONTENT-${shard}`,
  content: `CONTENT-${shard}`,
});

export const subjects = {
  spool: (shard: string): string => `mta.v1.spool.${shard}.>`,
  segment: (shard: string): string => `mta.v1.spool.${shard}.segment`,
  outcome: (shard: string): string => `mta.v1.spool.${shard}.outcome`,
  state: (shard: string): string => `mta.v1.defer.${shard}.state`,
  deferContent: (shard: string): string => `mta.v1.defer.${shard}.content`,
  content: (shard: string): string => `mta.v1.content.${shard}.>`,
  chunksOf: (shard: string, contentId: string): string => `mta.v1.content.${shard}.${contentId}.>`,
  chunk: (shard: string, contentId: string, n: number): string => `mta.v1.content.${shard}.${contentId}.${n}`,
} as const;

/**
 * Shares of `spool.max_size`: mail on its way and deferred mail need most; states are a hundredth of their contents,
 * but every retry adds one.
 */
export const shares: Readonly<Record<keyof ShardStreams, number>> = {
  spool: 0.4,
  deferContent: 0.25,
  content: 0.25,
  defer: 0.1,
};

/** Ingress stops at this share of SPOOL; the rest is for outcomes, moves and DSNs. */
export const softLimit = 0.8;

/** Room in a message besides its payload: headers and the frame's own fields. */
export const messageReserveInOctets = 16 * 1024;
export const segmentLimitInOctets = 1024 * 1024 - messageReserveInOctets;

/** Content over this is large: it streams in chunks. Also the most that one mail adds to a segment. */
export const largeContentInOctets = 256 * 1024;
export const chunkInOctets = 128 * 1024;
/** Chunks under way without acknowledgement: what a large mail costs in memory. */
export const unacknowledgedChunks = 8;

/** `0`, `1`, …: shards whose names are tokens of a subject. */
export const shardNames = (count: number): readonly string[] => Array.from({ length: count }, (_, n) => String(n));
