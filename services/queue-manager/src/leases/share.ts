/** Which shards an instance should take or hand over. Pure. */

/** Shards of one instance when all have about the same number. */
export const shareOf = (shards: number, members: number): number => Math.ceil(shards / Math.max(1, members));

export interface Claims {
  readonly owned: readonly string[];
  /** Nobody holds them; with the time since they were first seen so, milliseconds. */
  readonly free: ReadonlyMap<string, number>;
  readonly shards: number;
  readonly members: number;
}

/** A shard that nobody took for so long is taken above one's share: whose it would be can't take it. */
export const takenByAnyoneAfter = 8_000;

/** In the order given, so that two instances that want the same one soon differ. */
export function toTake({ owned, free, shards, members }: Claims): readonly string[] {
  const room = Math.max(0, shareOf(shards, members) - owned.length);
  const [...names] = free.keys();
  const abandoned = names.slice(room).filter((name) => (free.get(name) ?? 0) >= takenByAnyoneAfter);
  return [...names.slice(0, room), ...abandoned];
}

export interface Surplus extends Omit<Claims, 'free'> {
  /** Nobody else has taken it when it was free: it would only be without an owner again. */
  readonly stays: (shard: string) => boolean;
}

/** One at a time; undefined when its share is not exceeded or nobody else is there. */
export function toHandOver({ owned, shards, members, stays }: Surplus): string | undefined {
  if (members <= 1 || owned.length <= shareOf(shards, members)) return undefined;
  return owned.findLast((shard) => !stays(shard));
}
