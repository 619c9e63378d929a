/**
 * Reads a shard's streams for a backup while it is in use. The order makes it whole: what leaves SPOOL has come to DEFER
 * before, and what DEFER names stands in DEFER-CONTENT and CONTENT before. So each is read after those that point to it,
 * up to where it ended when its turn came, while the owner is held back from removing anything. What is set aside comes
 * first of all: released, it is in SPOOL or DEFER before it is gone from QUARANTINE.
 */
import type { Clock } from '@postrider/actor';
import { HoldBack } from './hold-back.js';
import type { Log, LogMessage } from './log.js';
import { quarantineOf, quarantineStream, shardStreams, subjects } from './names.js';

export interface BackupOptions {
  readonly log: Log;
  readonly clock: Clock;
  readonly shard: string;
  /** For those who find that it is held back. */
  readonly by: string;
  /**
   * Resolves when the owner has seen the hold of that revision, or when the shard has none.
   * @throws when it does not come
   */
  readonly heldBack: (revision: number) => Promise<void>;
  /**
   * Takes the messages of a stream, in order; once with none at its beginning. What the shard has in QUARANTINE comes as a
   * stream of its own (`quarantineOf`).
   */
  readonly take: (stream: string, messages: readonly LogMessage[]) => Promise<void>;
}

export interface StreamExtent {
  readonly stream: string;
  /** One after the last in an empty stream. */
  readonly firstSequence: number;
  readonly lastSequence: number;
}

export class BackupFailed extends Error {}

const batch = { messages: 256, octets: 4 * 1024 * 1024 };
/** A replica that lags gets so long to have what its leader has. */
const lagAtMost = 30_000;
const lagPause = 200;

/** @throws BackupFailed, HeldBackByAnother, and when the log can't be reached */
export async function backUpShard(options: BackupOptions): Promise<readonly StreamExtent[]> {
  const { log, shard, heldBack, take } = options;
  const hold = await HoldBack.take(options);
  try {
    await heldBack(hold.since);
    const plans = shardStreams(shard);
    const before = await Promise.all(plans.map(({ name }) => log.state(name)));
    const quarantine = await readQuarantine(options);
    const extents: StreamExtent[] = [];
    for (const { name, subject } of plans) {
      const { firstSequence, lastSequence } = await log.state(name);
      await take(name, []);
      await readAll(options, { stream: name, subject, from: firstSequence, upTo: lastSequence });
      extents.push({ stream: name, firstSequence, lastSequence });
    }
    const after = await Promise.all(plans.map(({ name }) => log.state(name)));
    const cut = plans.filter((_, n) => after[n]?.firstSequence !== before[n]?.firstSequence);
    // Large contents of sessions that broke off go at any time, and nothing names them.
    const [truncated] = cut.filter(({ name }) => name !== plans.at(-1)?.name);
    if (truncated) throw new BackupFailed(`${truncated.name} was truncated while it was read: try again`);
    if (!hold.holds) throw new BackupFailed(`shard ${shard} could not be held back all the time: try again`);
    return [...extents, ...quarantine];
  } finally {
    await hold.release().catch(() => undefined);
  }
}

/** The shard's part of it; none where the operator has not made the stream yet. */
async function readQuarantine(options: BackupOptions): Promise<readonly StreamExtent[]> {
  const { log, shard, take } = options;
  if (!(await log.streams()).includes(quarantineStream)) return [];
  const { firstSequence, lastSequence } = await log.state(quarantineStream);
  const stream = quarantineOf(shard);
  await take(stream, []);
  const subject = subjects.quarantineOf(shard);
  await readAll(
    { ...options, take: (_, messages) => take(stream, messages) },
    { stream: quarantineStream, subject, from: firstSequence, upTo: lastSequence },
  );
  return [{ stream, firstSequence, lastSequence }];
}

interface Range {
  readonly stream: string;
  readonly subject: string;
  readonly from: number;
  readonly upTo: number;
}

async function readAll(
  { log, clock, take }: BackupOptions,
  { stream, subject, from, upTo }: Range,
): Promise<void> {
  let next = from;
  let lagSince: number | undefined;
  while (next <= upTo) {
    const found = await log.read(stream, subject, next, batch);
    const messages = found.filter(({ sequence }) => sequence <= upTo);
    const last = messages.at(-1);
    if (!last && found.length > 0) return;
    if (last) {
      await take(stream, messages);
      [next, lagSince] = [last.sequence + 1, undefined];
      continue;
    }
    // Nothing there, or a replica that lags: the leader knows.
    const end = await log.last(stream, subject);
    if (end === undefined || end.sequence < next) return;
    lagSince ??= clock.monotonic();
    if (clock.monotonic() - lagSince > lagAtMost)
      throw new BackupFailed(`${stream} can't be read from ${next} on`);
    await new Promise<void>((resolve) => clock.after(lagPause, resolve));
  }
}
