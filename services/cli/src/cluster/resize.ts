/** `postrider cluster replicas N` and `cluster prune`: other numbers of copies and shards, while mail goes on. */
import { watchStreams } from '@postrider/nats-server';
import { createLogger, hasOwnServer, initCluster, type Config } from '@postrider/runtime';
import { connectStoreAdmin, isOfShard, shardNames, shardStreams, type StoreAdmin } from '@postrider/spool';
import { CommandFailed, complain, exitCodes, say, sayJson } from '../command.js';
import { addressOf, configuration, withBus } from '../connection.js';
import { counted } from '../table.js';
import { allHeardAfter, Gauges } from './gauges.js';
import { currentCopies } from './status.js';
import { pause, spoolShards } from './store.js';

export interface ResizeOptions {
  readonly config: string | undefined;
  readonly json: boolean;
}

/** New copies have to catch up with all that is stored. */
const copiedWithin = 3_600_000;
const lookedAtEvery = 1_000;

/** @param replicas 1, 3 or 5; resolves when every copy has all */
export async function changeReplicas(replicas: number, options: ResizeOptions): Promise<number> {
  const { config } = configuration(options.config);
  refuseOwn(config);
  const admin = await connectStoreAdmin(addressOf(config), 'cluster replicas');
  try {
    const changed = await admin.setReplicas(replicas);
    await allCurrent(config, replicas);
    if (options.json) sayJson({ replicas, changed });
    else
      say(
        `${counted(changed.length, 'stream')} changed; all have ${counted(replicas, 'copy', 'copies')}. Set spool.replicas: ${replicas}`,
      );
    return exitCodes.done;
  } finally {
    await admin.close();
  }
}

async function allCurrent(config: Config, replicas: number): Promise<void> {
  const watch = await watchStreams(addressOf(config), 'cluster replicas');
  try {
    for (const end = performance.now() + copiedWithin; performance.now() < end;) {
      const states = await watch.states();
      const copied = states.filter(({ stream }) => isOfShard(stream));
      const behind = copied.filter((state) => state.wanted !== replicas || currentCopies(state) < replicas);
      if (behind.length === 0) return;
      await pause(lookedAtEvery);
    }
  } finally {
    await watch.close();
  }
  throw new CommandFailed("copies lag: 'postrider cluster status' shows which");
}

/** Shards beyond `spool.shards`: closed to new mail at once, removed when nothing waits in them. */
export function prune({ config: path, json }: ResizeOptions): Promise<number> {
  return withBus(path, async (bus, config) => {
    refuseOwn(config);
    const admin = await connectStoreAdmin(addressOf(config), 'cluster prune');
    const gauges = new Gauges(bus);
    try {
      const wanted = shardNames(config.spool.shards);
      const surplus = (await spoolShards(admin)).filter((shard) => !wanted.includes(shard));
      for (const shard of surplus) await admin.closeShard(shard);
      // The owner reads what came before that, and says so.
      await pause(allHeardAfter);
      const removed: string[] = [];
      for (const shard of surplus) if (await removeEmpty(admin, gauges, shard)) removed.push(shard);
      const waiting = surplus.filter((shard) => !removed.includes(shard));
      if (waiting.length === 0 && surplus.length > 0)
        await initCluster(config, createLogger({ ...config.log, level: 'error' }, { service: 'prune' }));
      if (json) sayJson({ removed, waiting });
      else {
        say(`removed: ${removed.length === 0 ? 'no shard' : removed.join(', ')}`);
        if (waiting.length > 0)
          complain(
            `mail still waits in shard ${waiting.join(', ')}: closed to new mail; run this again later`,
          );
      }
      return waiting.length === 0 ? exitCodes.done : exitCodes.failed;
    } finally {
      gauges.stop();
      await admin.close();
    }
  });
}

/** Only on its owner's word: it has read all that came, and none of it is left. */
async function removeEmpty(admin: StoreAdmin, gauges: Gauges, shard: string): Promise<boolean> {
  const last = await admin.lastSegment(shard);
  const owners = gauges.ofShard(shard);
  const [owner] = owners;
  if (owners.length !== 1 || owner === undefined) return false;
  const { liveMails, replaying, readUpTo, unwrittenRecords, heldBackBy } = owner;
  const empty = liveMails === 0 && replaying === 0 && unwrittenRecords === 0 && heldBackBy === 0;
  if (!empty || typeof readUpTo !== 'number' || readUpTo < last) return false;
  await admin.remove(shardStreams(shard).map(({ name }) => name));
  return true;
}

function refuseOwn(config: Config): void {
  if (hasOwnServer(config)) throw new CommandFailed('nats.servers is empty: this is for an outside NATS');
}
