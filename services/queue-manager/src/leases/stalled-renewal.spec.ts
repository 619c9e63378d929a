/**
 * An election of the lease bucket: nobody can renew, nor look who holds what. An owner trusts its lease for seven seconds,
 * then sends nothing, drops nothing, and goes on where it was.
 */
import { manualClock } from '@postrider/actor';
import { memoryBus } from '@postrider/bus';
import { times } from '@postrider/protocol';
import { configSchema, type ServiceContext } from '@postrider/runtime';
import { memorySpool, MemoryStore, type Lease, type Leases, type Spool } from '@postrider/spool';
import { expect, test } from 'vitest';
import { fakeWorker } from '../rig/fake-worker.js';
import { mailObject, silent, turns } from '../rig/rig.js';
import { service } from '../service.js';

const shards = ['0', '1', '2', '3'];

interface Bucket {
  stalled: boolean;
}

/** Requests time out while the bucket has no leader. */
function stalling(leases: Leases, bucket: Bucket): Leases {
  const unless = <T>(act: () => Promise<T>): Promise<T> =>
    bucket.stalled ? Promise.reject(new Error('TIMEOUT')) : act();
  const stallingLease = (lease: Lease): Lease => ({
    renew: () => unless(() => lease.renew()),
    release: () => unless(() => lease.release()),
  });
  return {
    take: (shard, owner) =>
      unless(async () => {
        const lease = await leases.take(shard, owner);
        return lease && stallingLease(lease);
      }),
    list: () => unless(() => leases.list()),
    revoke: (shard) => unless(() => leases.revoke(shard)),
  };
}

async function started() {
  const clock = manualClock();
  const bus = memoryBus('qm-1', clock);
  const store = new MemoryStore();
  const memory = memorySpool({ store, clock });
  await memory.prepare(shards);
  const bucket: Bucket = { stalled: false };
  const worker = await fakeWorker(bus);
  const spool: Spool = {
    prepare: (names) => memory.prepare(names),
    shards: () => memory.shards(),
    writer: (options) => memory.writer(options),
    own: (shard, options) => memory.own(shard, options),
    leases: () => stalling(memory.leases(), bucket),
    spreadLeaders: () => memory.spreadLeaders(),
    largeContent: (shard, large) => memory.largeContent(shard, large),
    close: () => memory.close(),
  };
  const config = configSchema.parse({ hostname: 'mx.example.org', routes: { '*': 'smtp://192.0.2.1:25' } });
  const context: ServiceContext = { config, bus, spool, clock, log: silent, fatal: () => undefined };
  const pass = async (time: number): Promise<void> => {
    for (let left = time; left > 0; left -= 250) {
      worker.beat();
      bus.publishStatus('outbound-delivery', {});
      await clock.advance(250);
      await turns(5);
    }
  };
  const starting = service.start(context);
  await pass(5_000);
  const running = await starting;
  await pass(10_000);
  const writers = shards.map((shard) => memory.writer({ shards: [shard] }));
  let accepted = 0;
  const commit = async (): Promise<void> => {
    for (const writer of writers) {
      await writer.commit(mailObject({}, 'Subject: x\r\n\r\n', clock.now()));
      accepted++;
    }
  };
  return {
    bus,
    bucket,
    pass,
    commit,
    owned: () => Number(running.figures()['shardsOwned']),
    accepted: () => accepted,
    delivered: () => worker.taken.map(({ id }) => id),
  };
}

test.each([
  ['shorter than it is trusted', 5_000],
  ['over that', times.leaseTrusted + 2_000],
  ['until it has lapsed, and nobody could take it', times.leaseTtl + 8_000],
])('%s', async (_, stall) => {
  const rig = await started();
  expect(rig.owned()).toBe(4);
  await rig.commit();
  await rig.pass(1_000);
  expect(rig.delivered()).toHaveLength(rig.accepted());
  rig.bucket.stalled = true;
  for (let left = stall; left > 0; left -= 1_000) {
    await rig.commit();
    await rig.pass(1_000);
  }
  // The last renewal was sent at most two seconds before the stall.
  const trusted = stall < times.leaseTrusted - times.leaseRenewed;
  if (trusted) expect(rig.delivered()).toHaveLength(rig.accepted());
  else expect(rig.delivered().length).toBeLessThan(rig.accepted());
  rig.bucket.stalled = false;
  await rig.pass(5_000);
  expect(rig.owned()).toBe(4);
  expect(rig.bus.events.filter(({ event }) => event === 'let_go')).toEqual([]);
  const delivered = rig.delivered();
  expect(delivered).toHaveLength(rig.accepted());
  expect(new Set(delivered).size).toBe(delivered.length);
});
