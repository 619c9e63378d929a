/** Instances over one memory of NATS: who owns what, and how many channels a site gets from all of them. */
import { manualClock, type ManualClock } from '@postrider/actor';
import { memoryBus, type Bus, type MemoryBus } from '@postrider/bus';
import { configSchema, type RunningService, type ServiceContext } from '@postrider/runtime';
import { MemoryLog, memorySpool, MemoryStore, type Spool } from '@postrider/spool';
import { queueManager, shard as shardProtocol, statusSubject, times } from '@postrider/protocol';
import { expect, test } from 'vitest';
import { fakeWorker, type FakeWorker } from '../rig/fake-worker.js';
import { mailObject, silent, turns } from '../rig/rig.js';
import { service } from '../service.js';

const shards = ['0', '1', '2', '3'];

interface Cluster {
  readonly clock: ManualClock;
  readonly bus: MemoryBus;
  readonly store: MemoryStore;
  readonly worker: FakeWorker;
  readonly instances: Map<string, Instance>;
  start(name: string): Promise<Instance>;
  /** Every instance hears the gauges of all. */
  hear(): void;
  pass(time: number): Promise<void>;
}

interface Instance {
  readonly running: RunningService;
  /** As `kill -9`: its actors are gone, its lease stays. */
  kill(): Promise<void>;
  owned(): number;
}

async function startCluster(settings: object = {}): Promise<Cluster> {
  const clock = manualClock();
  const bus = memoryBus('nats', clock);
  const store = new MemoryStore();
  await memorySpool({ store, clock }).prepare(shards);
  const worker = await fakeWorker(bus, bus.instance);
  const instances = new Map<string, Instance>();
  const seen = new Map<string, (instance: string) => void>();
  const hear = (): void => {
    for (const name of instances.keys()) for (const see of seen.values()) see(name);
  };
  return {
    clock,
    bus,
    store,
    worker,
    instances,
    start: async (name) => {
      const instance = await startInstance({
        name,
        clock,
        bus,
        spool: memorySpool({ store, clock }),
        seen,
        settings,
      });
      instances.set(name, instance);
      await turns();
      return instance;
    },
    hear,
    pass: async (time) => {
      for (let left = time; left > 0; left -= 500) {
        hear();
        worker.beat();
        bus.publishStatus('outbound-delivery', {});
        await clock.advance(500);
        await turns(10);
      }
    },
  };
}

async function startInstance(parts: {
  readonly name: string;
  readonly clock: ManualClock;
  readonly bus: MemoryBus;
  readonly spool: Spool;
  readonly seen: Map<string, (instance: string) => void>;
  readonly settings: object;
}): Promise<Instance> {
  const { name, clock, bus, spool, seen, settings } = parts;
  const hosted: { stop(): Promise<void> }[] = [];
  const life = { alive: true };
  const own: Bus = {
    instance: name,
    get connected() {
      return life.alive;
    },
    maxPayloadInOctets: bus.maxPayloadInOctets,
    onConnection: () => undefined,
    host: async (protocol, behaviour, options) => {
      // On one memory bus a pool has one member: the first instance answers for all.
      if (protocol.placement === 'pool' && seen.size > 1) return noHost;
      const one = await bus.host(protocol, behaviour, options);
      hosted.push(one);
      return one;
    },
    ref: (protocol, key) => bus.ref(protocol, key),
    publishEvent: (...event) => bus.publishEvent(...event),
    status: () => {
      throw new Error('nobody asks');
    },
    publishStatus: () => undefined,
    watch: (subject) => (subject.includes('outbound') ? bus.watch(subject) : gauges(name, seen)),
    prepareEvents: (size) => bus.prepareEvents(size),
    storedEvents: (options) => bus.storedEvents(options),
    close: () => Promise.resolve(),
  };
  const config = configSchema.parse({
    hostname: 'mx.example.org',
    routes: { '*': 'smtp://192.0.2.1:25' },
    ...settings,
  });
  const context: ServiceContext = {
    config,
    bus: own,
    spool,
    clock: mortal(clock, life),
    log: silent,
    fatal: () => undefined,
  };
  // Its first round may wait on the clock.
  const starting = service.start(context);
  const pump = (async () => {
    for (let n = 0; n < 10; n++) {
      await turns(5);
      await clock.advance(100);
    }
  })();
  const [running] = await Promise.all([starting, pump]);
  return {
    running,
    kill: async () => {
      life.alive = false;
      seen.delete(name);
      await Promise.all(hosted.map((one) => one.stop()));
    },
    owned: () => Number(running.figures()['shardsOwned']),
  };
}

const noHost = { pause: () => undefined, resume: () => undefined, stop: () => Promise.resolve() };

/** No timer of a dead process fires. */
const mortal = (clock: ManualClock, life: { readonly alive: boolean }): ManualClock => ({
  ...clock,
  after: (delay, act) => clock.after(delay, () => (life.alive ? act() : undefined)),
});

function gauges(name: string, seen: Map<string, (instance: string) => void>): ReturnType<Bus['watch']> {
  const waiting: { subject: string; value: unknown }[] = [];
  let wake: () => void = () => undefined;
  seen.set(name, (instance) => {
    waiting.push({ subject: statusSubject('queue-manager', instance), value: {} });
    wake();
  });
  async function* follow() {
    for (;;) {
      yield* waiting.splice(0);
      await new Promise<void>((resolve) => (wake = resolve));
    }
  }
  return Object.assign(follow(), { stop: () => undefined });
}

test('one instance takes all shards at once', async () => {
  const cluster = await startCluster();
  const a = await cluster.start('a');
  expect(a.owned()).toBe(4);
});

test('a second instance gets its share, one shard at a time', async () => {
  const cluster = await startCluster();
  const a = await cluster.start('a');
  const b = await cluster.start('b');
  await cluster.pass(3_000);
  expect(a.owned()).toBeGreaterThanOrEqual(2);
  await cluster.pass(12_000);
  expect([a.owned(), b.owned()]).toEqual([2, 2]);
  const { shards: owners } = await cluster.bus.ref(queueManager).ask('shards', {});
  expect(owners.map(({ owner }) => owner).sort()).toEqual(['a', 'a', 'b', 'b']);
});

test('a killed instance is replaced without waiting for its leases to lapse', async () => {
  const cluster = await startCluster();
  const a = await cluster.start('a');
  await a.kill();
  cluster.instances.delete('a');
  const b = await cluster.start('b');
  await cluster.pass(1_000);
  expect(b.owned()).toBe(4);
  expect(await cluster.bus.ref(shardProtocol, '2').ask('who', {})).toMatchObject({ owner: 'b' });
});

test('the shards of a drained instance are free at once', async () => {
  const cluster = await startCluster();
  const a = await cluster.start('a');
  const drained = a.running.drain();
  await cluster.pass(1_000);
  await drained;
  cluster.instances.delete('a');
  const b = await cluster.start('b');
  expect(b.owned()).toBe(4);
});

test('a drained instance hands its shards to the others, which need not look for them', async () => {
  const cluster = await startCluster();
  const a = await cluster.start('a');
  const b = await cluster.start('b');
  await cluster.pass(15_000);
  expect([a.owned(), b.owned()]).toEqual([2, 2]);
  const drained = b.running.drain();
  await turns(50);
  await cluster.clock.advance(100);
  await turns(50);
  expect([a.owned(), b.owned()]).toEqual([4, 0]);
  await drained;
});

test('one that was started an instant ago sends mail of the shards handed to it at once', async () => {
  const cluster = await startCluster();
  const a = await cluster.start('a');
  await cluster.pass(3_000);
  // Not for as long as it needs to hear each worker itself.
  const b = await cluster.start('b');
  cluster.instances.delete('a');
  cluster.hear();
  await turns();
  const drained = a.running.drain();
  for (let step = 0; step < 2; step++) {
    await cluster.clock.advance(100);
    await turns(50);
  }
  await drained;
  expect(b.owned()).toBe(4);
  const writer = memorySpool({ store: cluster.store, clock: cluster.clock }).writer({ shards: ['3'] });
  await writer.commit(mailObject({}, 'Subject: x\r\n\r\n', cluster.clock.now()));
  await cluster.clock.advance(times.tailPoll);
  await turns(50);
  expect(cluster.worker.taken).toHaveLength(1);
});

test('of three instances the one with the fewest shards gets the next', async () => {
  const cluster = await startCluster();
  await cluster.start('a');
  const b = await cluster.start('b');
  await cluster.pass(15_000);
  const c = await cluster.start('c');
  await cluster.pass(1_000);
  expect([b.owned(), c.owned()]).toEqual([2, 0]);
  const drained = b.running.drain();
  await turns(50);
  await cluster.clock.advance(100);
  await turns(50);
  await drained;
  expect(c.owned()).toBeGreaterThan(0);
});

test('a shard of a newer format is given back, and left to others for a minute', async () => {
  const cluster = await startCluster();
  const log = new MemoryLog(cluster.store, 1e9, cluster.clock);
  const newer = Buffer.alloc(64);
  newer.write('PRSG');
  newer.writeUInt8(9, 4);
  await log.append('mta.v1.spool.2.segment', newer);
  const a = await cluster.start('a');
  await cluster.pass(5_000);
  expect(a.owned()).toBe(3);
  const epochs = async () => (await log.state('SPOOL-2')).messages;
  const before = await epochs();
  await cluster.pass(50_000);
  expect(await epochs()).toBe(before);
  await cluster.pass(15_000);
  expect(await epochs()).toBeGreaterThan(before);
  expect(cluster.bus.events.filter(({ event }) => event === 'let_go')).toMatchObject([
    { shard: '2', reason: 'frame version 9; this process knows 1' },
    { shard: '2' },
  ]);
});

test('two instances with four shards open no more than 20 channels to a site', async () => {
  const cluster = await startCluster();
  cluster.worker.answer = () => undefined;
  await cluster.start('a');
  await cluster.start('b');
  await cluster.pass(15_000);
  const spool = memorySpool({ store: cluster.store, clock: cluster.clock });
  for (const shard of shards) {
    const writer = spool.writer({ shards: [shard] });
    for (let n = 0; n < 300; n++)
      await writer.commit(mailObject({}, 'Subject: x\r\n\r\n', cluster.clock.now()));
  }
  let answered = 0;
  const servedFirst = new Set<string>();
  for (let second = 0; second < 20; second++) {
    await cluster.pass(1_000);
    expect(cluster.worker.channels()).toBeLessThanOrEqual(20);
    for (const { id, shard } of cluster.worker.taken.slice(answered, answered + 50)) {
      servedFirst.add(shard);
      answered++;
      await cluster.worker.report(id, 'delivered');
    }
  }
  expect(cluster.worker.channels()).toBeGreaterThan(10);
  expect(servedFirst.size).toBe(4);
});

test('without any queue-manager for longer than a lease lasts: what workers hold still counts for the limit', async () => {
  const cluster = await startCluster({ nats: { servers: ['nats.example.org'] } });
  cluster.worker.answer = () => undefined;
  const a = await cluster.start('a');
  await cluster.pass(10_000);
  const spool = memorySpool({ store: cluster.store, clock: cluster.clock });
  const mails = async (count: number): Promise<void> => {
    const writer = spool.writer({ shards: ['1'] });
    for (let n = 0; n < count; n++)
      await writer.commit(mailObject({}, 'Subject: x\r\n\r\n', cluster.clock.now()));
  };
  await mails(300);
  await cluster.pass(5_000);
  expect(cluster.worker.channels()).toBe(20);
  await a.kill();
  cluster.instances.delete('a');
  await cluster.pass(times.leaseTtl + 1_000);
  await cluster.start('b');
  await mails(300);
  // Before the worker's next beat.
  await cluster.clock.advance(400);
  await turns(50);
  let most = cluster.worker.channels();
  for (let second = 0; second < 12; second++) {
    await cluster.pass(500);
    most = Math.max(most, cluster.worker.channels());
  }
  expect(most).toBe(20);
});
