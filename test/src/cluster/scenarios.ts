/** What may happen to a cluster, each under load: something dies, is paused, cut off, added, removed or replaced. */
import { setTimeout as pause } from 'node:timers/promises';
import { times } from '@postrider/protocol';
import { usual, type Cluster } from './cluster.js';
import { services, signal, type Service } from './instances.js';
import type { Link } from './network.js';

export interface Scenario {
  readonly name: string;
  /** Needs links that can be cut. */
  readonly cuts?: true;
  /** Leaves connections open that nobody can close, so that a site may have those and as many new ones. */
  readonly hangs?: true;
  /** Seconds that a shard may be without owner. */
  readonly ownedWithin?: number;
  /** Resolves when all is mended and whole again. */
  happen(cluster: Cluster): Promise<void>;
}

/** How long the others do without: longer than an election and a takeover. */
const awayFor = 3_000;
const natsAwayFor = 7_000;
/** NATS clients notice a silent server after two pings that were not answered, 10 s apart. */
const cutFor = 10_000;
/** Longer than the lease lives and another needs to see that, and than the fence's own look. */
const pausedFor = times.leaseTtl + 6_000;

/** What is promised of a kill. */
const takenAfterKill = 15;
/** Two are promised; the machine may have other work, but no wait of ours is that long. */
const handedOver = 5;

const takenBy = (service: Service, seconds: number): Pick<Scenario, 'ownedWithin'> =>
  service === 'queue-manager' ? { ownedWithin: seconds } : {};

export const kill = (service: Service, place = 0): Scenario => ({
  name: `kill -9 ${service}`,
  ...takenBy(service, takenAfterKill),
  happen: async ({ instances }) => {
    const { process: child } = instances.at(service, place);
    await child.kill();
    await pause(awayFor);
    await child.start();
  },
});

export const killAllOf = (service: Service): Scenario => ({
  name: `kill -9 every ${service}`,
  ...takenBy(service, takenAfterKill),
  happen: async ({ instances }) => {
    const all = instances.of(service).map(({ process: child }) => child);
    await Promise.all(all.map((child) => child.kill()));
    await Promise.all(all.map((child) => child.start()));
  },
});

export const killNats = (number: number): Scenario => ({
  name: `kill -9 nats-${number}`,
  happen: (cluster) => withoutNats(cluster, [number]),
});

export const killLeader: Scenario = {
  name: 'kill -9 the NATS leader of shard 0',
  happen: async (cluster) => withoutNats(cluster, [(await cluster.leader()).number]),
};

export const killTwoNats: Scenario = {
  name: 'kill -9 two NATS servers',
  happen: async (cluster) => {
    const { number } = await cluster.leader();
    await withoutNats(cluster, [number, (number + 1) % cluster.nats.length]);
  },
};

async function withoutNats(cluster: Cluster, numbers: readonly number[]): Promise<void> {
  const nodes = cluster.nats.filter(({ number }) => numbers.includes(number));
  await Promise.all(nodes.map((node) => node.process.kill()));
  await pause(natsAwayFor);
  await Promise.all(nodes.map((node) => node.start()));
  await cluster.natsWhole();
}

/** It wakes in the belief that its shards are its own. */
export const pauseOwner = (place = 0): Scenario => ({
  name: 'SIGSTOP queue-manager over its lease',
  happen: async ({ instances }) => {
    const owner = instances.at('queue-manager', place);
    signal(owner, 'SIGSTOP');
    await pause(pausedFor);
    signal(owner, 'SIGCONT');
    await pause(awayFor);
  },
});

export const pauseWorker: Scenario = {
  name: 'SIGSTOP outbound-delivery over its beats',
  hangs: true,
  happen: async ({ instances }) => {
    const worker = instances.at('outbound-delivery', 0);
    signal(worker, 'SIGSTOP');
    await pause(times.workerLost + 2_000);
    signal(worker, 'SIGCONT');
    await pause(awayFor);
  },
};

/** It takes connections, and answers nothing; a stopped process keeps its leaders until the others elect theirs. */
const pauseNatsLeader: Scenario = {
  name: 'SIGSTOP the NATS leader of shard 0',
  happen: async (cluster) => {
    const node = await cluster.leader();
    signal(node, 'SIGSTOP');
    await pause(pausedFor);
    signal(node, 'SIGCONT');
    await cluster.natsWhole();
  },
};

export const cutNats = (link: Link, number?: number): Scenario => ({
  name:
    link === 'others' ? 'a NATS server cut off from the others' : 'a NATS server cut off from its clients',
  cuts: true,
  happen: async (cluster) => {
    const place = number ?? (await cluster.leader()).number;
    cluster.network.cut(place, link);
    await pause(cutFor);
    cluster.network.mend(place, link);
    await cluster.natsWhole();
  },
});

/** The first queue-manager has a link of its own, next to those of the servers. */
export const cutOwner: Scenario = {
  name: 'a queue-manager cut off from NATS',
  cuts: true,
  happen: async ({ network, nats }) => {
    network.cut(nats.length, 'clients');
    await pause(pausedFor);
    network.mend(nats.length, 'clients');
    await pause(awayFor);
  },
};

/** To one, to four, and back. */
export const scale = (service: Service): Scenario => ({
  name: `${service} from ${usual[service]} to 1, 4 and ${usual[service]}`,
  ...takenBy(service, handedOver),
  happen: async (cluster) => {
    await scaleTo(cluster, service, 1);
    await pause(awayFor);
    await scaleTo(cluster, service, 4);
    await pause(awayFor);
    await scaleTo(cluster, service, usual[service]);
  },
});

/** The oldest stay: one of them may have a link of its own. */
async function scaleTo({ instances }: Cluster, service: Service, count: number): Promise<void> {
  for (let left = instances.of(service).length; left < count; left++) await instances.add(service);
  while (instances.of(service).length > count) {
    const last = instances.at(service, instances.of(service).length - 1);
    const code = await instances.remove(last);
    if (code !== 0) throw new Error(`${last.name} ended with ${code ?? 'a signal'} instead of draining`);
  }
}

/** In the order of an update: NATS, then those who read, ingress last. */
const updateOrder: readonly Service[] = [
  'queue-manager',
  'outbound-delivery',
  'dns-resolver',
  'alias-expander',
  'smtp-ingress',
];

export const rollServices: Scenario = {
  name: 'every service replaced by SIGTERM',
  ownedWithin: handedOver,
  happen: async ({ instances }) => {
    for (const service of updateOrder) {
      for (const { name, process: child } of instances.of(service)) {
        const { code } = await child.stop();
        if (code !== 0) throw new Error(`${name} ended with ${code ?? 'a signal'} instead of draining`);
        await child.start();
      }
    }
  },
};

export const rollNats: Scenario = {
  name: 'every NATS server replaced by SIGTERM',
  happen: async (cluster) => {
    for (const node of cluster.nats) {
      await node.process.stop();
      await node.start();
      await cluster.natsWhole();
    }
    // The last one leads nothing after that; nobody has to see to it.
    await cluster.leadersSpread();
  },
};

const killThoseAsked: Scenario = {
  name: 'kill -9 dns-resolver and alias-expander',
  happen: async (cluster) => {
    await Promise.all([kill('dns-resolver').happen(cluster), kill('alias-expander').happen(cluster)]);
  },
};

/** Every kind of event once, in about three minutes. */
export const shortForm: readonly Scenario[] = [
  kill('smtp-ingress'),
  kill('queue-manager'),
  kill('outbound-delivery'),
  killThoseAsked,
  killLeader,
  killTwoNats,
  pauseOwner(),
  cutNats('others'),
  scale('queue-manager'),
  rollServices,
];

/** All that is known here. */
export const longForm: readonly Scenario[] = [
  ...services.flatMap((service) => [kill(service, 0), kill(service, 1), killAllOf(service)]),
  ...[0, 1, 2].map(killNats),
  killLeader,
  killTwoNats,
  pauseOwner(0),
  pauseOwner(1),
  pauseWorker,
  pauseNatsLeader,
  cutNats('others'),
  cutNats('clients'),
  cutOwner,
  ...(['queue-manager', 'outbound-delivery', 'smtp-ingress'] as const).map(scale),
  rollServices,
  rollNats,
];
