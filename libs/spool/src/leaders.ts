/**
 * Which NATS server leads which stream. After servers were started again one by one the last may lead none and one all,
 * so that one takes every write, and its death stops every shard for the time of an election.
 */

/** As the stream's leader tells it. */
export interface Leadership {
  readonly stream: string;
  readonly leader: string;
  readonly followers: readonly {
    readonly server: string;
    /** It has all that is acknowledged, and is there. */
    readonly current: boolean;
  }[];
}

export interface Move {
  readonly stream: string;
  /** The server that is to lead it. */
  readonly to: string;
}

/**
 * Pure. The next stream to be led by another server so that the streams of one kind are spread evenly; one at a time.
 * @returns undefined when they are even; 'lags' while some copy does: the cluster may not be whole, and elections may
 * come; or it is whole, and a message was on its way just then
 */
export function nextMove(streams: readonly Leadership[]): Move | 'lags' | undefined {
  const led = new Map<string, number>();
  for (const { leader, followers } of streams)
    for (const server of [leader, ...followers.map((follower) => follower.server)])
      led.set(server, (led.get(server) ?? 0) + (server === leader ? 1 : 0));
  const numberOf = (server: string): number => led.get(server) ?? 0;
  const candidates = streams.flatMap(({ stream, leader, followers }) =>
    followers.map(({ server }) => ({ stream, to: server, gain: numberOf(leader) - numberOf(server) })),
  );
  const best = candidates.reduce<(typeof candidates)[number] | undefined>(
    (found, one) => (one.gain > (found?.gain ?? 1) ? one : found),
    undefined,
  );
  if (best === undefined) return undefined;
  const whole = streams.every(({ followers }) => followers.every(({ current }) => current));
  return whole ? { stream: best.stream, to: best.to } : 'lags';
}
