/** Lets the NATS servers lead about as many streams of each kind: SPOOL first, which takes all new mail. */
import { nextMove, type Move } from './leaders.js';
import { shardsOf } from './leases.js';
import type { Log } from './log.js';
import { streamsOf } from './names.js';

/** One stream at a time. @throws when the log can't be reached, or the server does not let another lead */
export async function spreadLeaders(log: Log): Promise<Move | 'lags' | undefined> {
  const shards = (await shardsOf(log)).map(streamsOf);
  for (const kind of ['spool', 'defer', 'deferContent', 'content'] as const) {
    const streams = await Promise.all(shards.map((names) => log.leadership(names[kind])));
    const led = streams.flatMap((one) => one ?? []);
    // One copy each, or an election: nothing to spread now.
    if (led.length < shards.length) return undefined;
    const move = nextMove(led);
    if (move === 'lags') return move;
    if (move === undefined) continue;
    await log.moveLeader(move.stream, move.to);
    return move;
  }
  return undefined;
}
