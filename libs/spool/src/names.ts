/** The streams of a shard, their subjects, their shares of the room, and the sizes of what stands in them (DESIGN §3). */

export interface ShardStreams {
  /** `.segment` from every smtp-ingress, `.outcome` from the owner alone. */
  readonly spool: string;
  /** `.state` from the owner alone: envelope and status of each deferred mail. */
  readonly defer: string;
  /** `.content`: contents of deferred mail in bundles, from the owner. */
  readonly deferContent: string;
  /** `<content id>.<n>`: chunks of large contents, from smtp-ingress. */
  readonly content: string;
}

export const streamsOf = (shard: string): ShardStreams => ({
  spool: `SPOOL-${shard}`,
  defer: `DEFER-${shard}`,
  deferContent: `DEFER-CONTENT-${shard}`,
  content: `CONTENT-${shard}`,
});

/** What a replay could not get past, of all shards. */
export const quarantineStream = 'QUARANTINE';

/** A shard's part of it, where each shard has files of its own. */
export const quarantineOf = (shard: string): string => `${quarantineStream}-${shard}`;

export const subjects = {
  spool: (shard: string): string => `mta.v1.spool.${shard}.>`,
  segment: (shard: string): string => `mta.v1.spool.${shard}.segment`,
  outcome: (shard: string): string => `mta.v1.spool.${shard}.outcome`,
  state: (shard: string): string => `mta.v1.defer.${shard}.state`,
  deferContent: (shard: string): string => `mta.v1.defer.${shard}.content`,
  content: (shard: string): string => `mta.v1.content.${shard}.>`,
  quarantine: 'mta.v1.quarantine.>',
  quarantineOf: (shard: string): string => `mta.v1.quarantine.${shard}.>`,
  quarantined: (shard: string, key: string): string => `mta.v1.quarantine.${shard}.${key}`,
  chunksOf: (shard: string, contentId: string): string => `mta.v1.content.${shard}.${contentId}.>`,
  chunk: (shard: string, contentId: string, n: number): string => `mta.v1.content.${shard}.${contentId}.${n}`,
} as const;

/**
 * Shares of `spool.max_size`: mail on its way and deferred mail need most; a state is small beside its content, but
 * every retry adds one.
 */
const shares: Readonly<Record<keyof ShardStreams, number>> = {
  spool: 0.4,
  deferContent: 0.25,
  content: 0.24,
  defer: 0.1,
};
const quarantineShare = 0.01;

export interface StreamPlan {
  readonly name: string;
  readonly subject: string;
  /** Of `spool.max_size`. */
  readonly share: number;
}

/** All streams of these shards, and the one that they have in common. */
export const streamPlans = (shards: readonly string[]): readonly StreamPlan[] => [
  ...shards.flatMap((shard) =>
    shardStreams(shard).map((plan) => ({ ...plan, share: plan.share / shards.length })),
  ),
  { name: quarantineStream, subject: subjects.quarantine, share: quarantineShare },
];

export function shardStreams(shard: string): readonly StreamPlan[] {
  const names = streamsOf(shard);
  return [
    { name: names.spool, subject: subjects.spool(shard), share: shares.spool },
    { name: names.defer, subject: subjects.state(shard), share: shares.defer },
    { name: names.deferContent, subject: subjects.deferContent(shard), share: shares.deferContent },
    { name: names.content, subject: subjects.content(shard), share: shares.content },
  ];
}

/** New mail and moves to DEFER stop at this share of a stream; the rest is for outcomes and DSNs. */
export const softLimit = 0.8;

/** Mail whose transaction was under way by then is still taken up to this share of SPOOL. */
export const hardLimit = 0.9;

/** What a stream must hold that uses so many octets: outcomes need room as well, or it could never be emptied. */
export const leastRoom = (usedInOctets: number): number => Math.ceil(usedInOctets / softLimit);

/** Room in a message besides its payload: headers and the frame's own fields. */
const messageReserveInOctets = 16 * 1024;
/** @param maxPayload the server's, octets */
export const frameLimit = (maxPayload: number): number =>
  Math.min(1024 * 1024, maxPayload) - messageReserveInOctets;

/** Content over this is large: it streams in chunks. Also the most that one mail adds to a segment. */
export const largeContentInOctets = 256 * 1024;
export const chunkInOctets = 128 * 1024;
/** Chunks under way without acknowledgement, or read ahead: what a large mail costs in memory. */
export const chunksUnderWay = 8;

/** `0`, `1`, …: shards whose names are tokens of a subject. */
export const shardNames = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, n) => String(n));
