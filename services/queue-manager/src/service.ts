/**
 * queue-manager: owns shards of the queue and decides what is tried when.
 * Takes: `shard.*` for each shard it owns, `queue-manager.shards`, its own `keeper.take`. Asks: dns-resolver,
 * outbound-delivery, its workers, channels, other shards and instances.
 */
import { keeper as keeperProtocol, queueManager } from '@postrider/protocol';
import type { RunningService, ServiceContext, ServiceDefinition } from '@postrider/runtime';
import { Keeper } from './leases/keeper.js';
import { LeaderSpread } from './leases/leader-spread.js';
import { KnownWorkers } from './leases/known-workers.js';
import { Members } from './leases/members.js';
import type { ShardSeat } from './leases/shard-seat.js';
import { Locator } from './routing/locator.js';
import { Router } from './routing/router.js';
import { settingsOf } from './settings.js';

/** Of the shutdown's time, kept for the last writes and for handing back the leases. */
const lastWrites = 2_000;

export const service: ServiceDefinition = {
  name: 'queue-manager',
  start: (context) => start(context),
};

async function start(context: ServiceContext): Promise<RunningService> {
  const { bus, clock, log } = context;
  let config = context.config;
  let settings = settingsOf(config);
  const router = new Router(new Locator(bus, clock), clock, settings);
  const members = new Members(bus, clock);
  const workers = new KnownWorkers(bus, clock);
  const soon = (act: () => void): void => void setImmediate(act);
  const common = { router, settings: () => settings, soon };
  const keeper = new Keeper({ context, members, workers, common });
  for (const seen of [members, workers])
    seen
      .follow()
      .catch((fault: unknown) => log.warn({ fault: String(fault) }, 'other instances are not seen any more'));
  const hosted = await bus.host(queueManager, () => ({
    handlers: { shards: () => ({ shards: keeper.ownerships() }) },
  }));
  const self = await bus.host(
    keeperProtocol,
    () => ({
      handlers: {
        take: async ({ shard, leaving, workers: known }) => {
          if (known !== undefined) workers.told(known);
          return { result: (await keeper.take(shard, leaving)) ? 'taken' : 'refused' };
        },
      },
    }),
    { key: bus.instance },
  );
  await keeper.start();
  const leaders = new LeaderSpread({ context, ours: () => keeper.ownsFirst });
  return {
    figures: () => ({
      ...figuresOf(keeper.seats, members.count()),
      shardsKnown: keeper.ownerships().length,
    }),
    reconfigured: (changed) => {
      config = changed;
      settings = settingsOf(changed);
      router.reconfigured(settings);
    },
    drain: async () => {
      leaders.end();
      await keeper.end(Math.max(0, config.shutdown_timeout - lastWrites));
      members.stop();
      workers.stop();
      await Promise.all([hosted.stop(), self.stop()]);
    },
  };
}

/** Sums over the shards, and each shard by itself. */
function figuresOf(seats: readonly ShardSeat[], members: number): Readonly<Record<string, unknown>> {
  const perShard = Object.fromEntries(
    seats.map(({ shard, queue }) => [shard, queue?.figures() ?? { takingOver: 1 }]),
  );
  const sums: Record<string, number> = {};
  for (const figures of Object.values(perShard)) {
    for (const [name, value] of Object.entries(figures)) {
      sums[name] = oldest.has(name) ? Math.max(sums[name] ?? 0, value) : (sums[name] ?? 0) + value;
    }
  }
  return { ...sums, shardsOwned: seats.length, members, shards: perShard };
}

/** Figures of which the worst counts, not the sum. */
const oldest: ReadonlySet<string> = new Set([
  'oldestInSeconds',
  'oldestReadyInSeconds',
  'oldestDeferredInSeconds',
  'oldestHeldInSeconds',
  'unwrittenForInMilliseconds',
]);
