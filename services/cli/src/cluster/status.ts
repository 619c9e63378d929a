/**
 * What a cluster looks like right now, put together from what its parts say: gauges (`mta.status.>`), the owners of
 * shards, JetStream. What nobody said is absent, never a zero.
 */
import type { MonitorFacts, ReplicaState, StreamState } from '@postrider/nats-server';
import type { SiteLimitState, SiteState, StatusRecord } from '@postrider/protocol';
import { streamsOf } from '@postrider/spool';

/** What was heard; all that follows is worked out from it. */
export interface Heard {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** The latest of each service of each instance. */
  readonly gauges: readonly StatusRecord[];
  readonly sites: readonly SitesAnswer[];
  /** Undefined: JetStream did not answer. */
  readonly streams: readonly StreamState[] | undefined;
  readonly connectedTo: { readonly name: string; readonly version: string } | undefined;
  /** From monitoring ports, and of our own server. */
  readonly monitors: readonly MonitorFacts[];
}

export interface SitesAnswer {
  readonly shard: string;
  readonly sites: readonly SiteState[];
  readonly limits: readonly SiteLimitState[];
}

export interface ClusterStatus {
  readonly at: string;
  readonly shards: readonly ShardStatus[];
  readonly sites: readonly SiteStatus[];
  readonly workers: readonly WorkerStatus[];
  readonly instances: readonly InstanceStatus[];
  readonly nats: {
    readonly answers: boolean;
    readonly servers: readonly ServerStatus[];
    readonly streams: readonly StreamState[];
  };
}

export interface ShardStatus {
  readonly shard: string;
  /** Instances that say it is theirs: none, one, or two while one has not noticed yet. */
  readonly owners: readonly string[];
  readonly state: 'no owner' | 'taking over' | 'replaying' | 'ready';
  readonly live?: number;
  readonly ready?: number;
  readonly inFlight?: number;
  readonly deferred?: number;
  readonly held?: number;
  readonly oldestReadyInSeconds?: number;
  readonly unwrittenForInMilliseconds?: number;
  /** Of SPOOL. */
  readonly octets?: number;
  readonly maxOctets?: number;
  readonly leader?: string;
  /** Copies of the stream that is worst off, and how many there should be. */
  readonly copies?: { readonly current: number; readonly wanted: number };
}

export interface SiteStatus {
  readonly site: string;
  readonly limit?: number;
  readonly channels: number;
  readonly waiting: number;
  readonly inFlight: number;
  readonly blockedUntil?: string;
}

export interface WorkerStatus {
  readonly instance: string;
  readonly channels?: number;
  readonly atMost?: number;
  readonly busy?: number;
  readonly idle?: number;
  readonly connecting?: number;
}

export interface InstanceStatus {
  readonly instance: string;
  readonly services: readonly string[];
  readonly version: string;
  readonly configuration?: string;
  /** Its configuration is not that of most instances. */
  readonly differs: boolean;
  readonly ready: boolean;
  readonly uptimeInSeconds: number;
  readonly memoryInOctets: number;
  readonly eventLoopLagInMilliseconds: number;
}

export interface ServerStatus {
  readonly server: string;
  readonly version?: string;
  readonly leads: number;
  /** Copies that it keeps for other leaders; of them those behind, and those not heard of. */
  readonly copies: number;
  readonly lagging: number;
  readonly silent: number;
  /** JetStream's `sync_interval`, `always` or milliseconds; absent where nobody tells. */
  readonly sync?: 'always' | number;
}

export function clusterStatus(heard: Heard): ClusterStatus {
  const { at, gauges, streams } = heard;
  return {
    at: new Date(at).toISOString(),
    shards: shardsOf(gauges, streams ?? []),
    sites: sitesOf(heard.sites),
    workers: workersOf(gauges),
    instances: instancesOf(gauges),
    nats: { answers: streams !== undefined, servers: serversOf(heard), streams: streams ?? [] },
  };
}

const byNumber = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });
const spoolPrefix = streamsOf('').spool;

type Figures = Readonly<Record<string, unknown>>;
const isFigures = (value: unknown): value is Figures => typeof value === 'object' && value !== null;

/** Under its new name, or not at all: `exactOptionalPropertyTypes`. */
function pick<N extends string>(
  figures: Figures,
  names: Readonly<Record<N, string>>,
): Partial<Record<N, number>> {
  const found = Object.entries<string>(names).flatMap(([name, figure]) =>
    typeof figures[figure] === 'number' ? [[name, figures[figure]] as const] : [],
  );
  return Object.fromEntries(found) as Partial<Record<N, number>>;
}

function shardsOf(gauges: readonly StatusRecord[], streams: readonly StreamState[]): ClusterStatus['shards'] {
  const claims = new Map<string, [instance: string, figures: Figures][]>();
  for (const { stream } of streams)
    if (stream.startsWith(spoolPrefix)) claims.set(stream.slice(spoolPrefix.length), []);
  for (const { instance, shards } of gauges) {
    if (!isFigures(shards)) continue;
    for (const [shard, figures] of Object.entries(shards)) {
      if (!isFigures(figures)) continue;
      claims.set(shard, [...(claims.get(shard) ?? []), [instance, figures]]);
    }
  }
  return [...claims]
    .sort(([a], [b]) => byNumber(a, b))
    .map(([shard, owners]) => shardStatus(shard, owners, streams));
}

function shardStatus(
  shard: string,
  claims: readonly (readonly [instance: string, figures: Figures])[],
  streams: readonly StreamState[],
): ShardStatus {
  const figures = claims[0]?.[1] ?? {};
  const names = streamsOf(shard);
  const own = streams.filter(({ stream }) => Object.values(names).includes(stream));
  const spool = own.find(({ stream }) => stream === names.spool);
  return {
    shard,
    owners: claims.map(([instance]) => instance),
    state: stateOf(claims.length, figures),
    ...pick(figures, {
      live: 'liveMails',
      ready: 'readyParts',
      inFlight: 'inFlight',
      deferred: 'deferred',
      held: 'held',
      oldestReadyInSeconds: 'oldestReadyInSeconds',
      unwrittenForInMilliseconds: 'unwrittenForInMilliseconds',
    }),
    ...(spool === undefined ? {} : { octets: spool.octets, maxOctets: spool.maxOctets }),
    ...(spool?.leader === undefined ? {} : { leader: spool.leader }),
    ...(own.length === 0 ? {} : { copies: worst(own) }),
  };
}

function stateOf(owners: number, figures: Figures): ShardStatus['state'] {
  if (owners === 0) return 'no owner';
  if (figures['takingOver'] === 1) return 'taking over';
  return figures['replaying'] === 1 ? 'replaying' : 'ready';
}

function worst(streams: readonly StreamState[]): { readonly current: number; readonly wanted: number } {
  const all = streams.map((stream) => ({ current: currentCopies(stream), wanted: stream.wanted }));
  return all.reduce((least, one) => (one.current < least.current ? one : least));
}

/** Leaders hear of each copy about every second; NATS itself says 'offline' only half a minute after a server's death. */
const silentAfter = 5_000;
export const isSilent = ({ offline, silentFor }: ReplicaState): boolean => offline || silentFor > silentAfter;

/** Copies that have all that is acknowledged. A stream of a single server names no leader and has its one copy. */
export function currentCopies({ leader, replicas, wanted }: StreamState): number {
  if (leader === undefined) return wanted === 1 && replicas.length === 0 ? 1 : 0;
  return 1 + replicas.filter((copy) => copy.current && !isSilent(copy)).length;
}

function sitesOf(answers: readonly SitesAnswer[]): readonly SiteStatus[] {
  const limits = new Map(answers.flatMap((answer) => answer.limits.map(({ site, limit }) => [site, limit])));
  const all = new Map<string, SiteStatus>();
  for (const { site, channels, waiting, inFlight, blockedUntil } of answers.flatMap(({ sites }) => sites)) {
    const limit = limits.get(site);
    const known = all.get(site) ?? { site, channels: 0, waiting: 0, inFlight: 0 };
    all.set(site, {
      ...known,
      channels: known.channels + channels,
      waiting: known.waiting + waiting,
      inFlight: known.inFlight + inFlight,
      ...(limit === undefined ? {} : { limit }),
      ...(blockedUntil === undefined ? {} : { blockedUntil: new Date(blockedUntil).toISOString() }),
    });
  }
  return [...all.values()].sort(
    (a, b) => b.waiting - a.waiting || b.channels - a.channels || byNumber(a.site, b.site),
  );
}

function workersOf(gauges: readonly StatusRecord[]): readonly WorkerStatus[] {
  const workers = gauges.filter(({ service }) => service === 'outbound-delivery');
  return workers
    .map((gauge) => ({
      instance: gauge.instance,
      ...pick(gauge, {
        channels: 'channels',
        atMost: 'channelsAtMost',
        busy: 'channelsBusy',
        idle: 'channelsIdle',
        connecting: 'channelsConnecting',
      }),
    }))
    .sort((a, b) => byNumber(a.instance, b.instance));
}

function instancesOf(gauges: readonly StatusRecord[]): readonly InstanceStatus[] {
  const common = commonest(gauges.flatMap(({ configuration }) => configuration ?? []));
  const all = new Map<string, StatusRecord[]>();
  for (const gauge of gauges) all.set(gauge.instance, [...(all.get(gauge.instance) ?? []), gauge]);
  const rows = [...all].flatMap(([instance, records]) => {
    const [first] = records;
    if (!first) return [];
    const { version, configuration, uptimeInSeconds, memoryInOctets, eventLoopLagInMilliseconds } = first;
    return [
      {
        instance,
        services: records.map(({ service }) => service).sort(),
        version,
        ...(configuration === undefined ? {} : { configuration }),
        differs: configuration !== undefined && configuration !== common,
        ready: records.every(({ ready }) => ready),
        uptimeInSeconds,
        memoryInOctets,
        eventLoopLagInMilliseconds,
      },
    ];
  });
  return rows.sort(
    (a, b) => byNumber(a.services.join(), b.services.join()) || byNumber(a.instance, b.instance),
  );
}

function commonest(values: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}

function serversOf({ streams = [], connectedTo, monitors }: Heard): readonly ServerStatus[] {
  const copies = streams.flatMap(({ replicas }) => replicas);
  const leaders = streams.flatMap(({ leader }) => leader ?? []);
  const names = new Set([
    ...leaders,
    ...copies.map(({ server }) => server),
    ...monitors.map(({ server }) => server),
    ...(connectedTo ? [connectedTo.name] : []),
  ]);
  return [...names].sort(byNumber).map((server) => {
    const kept = copies.filter((copy) => copy.server === server);
    const monitor = monitors.find((one) => one.server === server);
    const version = monitor?.version ?? (connectedTo?.name === server ? connectedTo.version : undefined);
    return {
      server,
      ...(version === undefined ? {} : { version }),
      leads: leaders.filter((leader) => leader === server).length,
      copies: kept.length,
      lagging: kept.filter((copy) => !copy.current && !isSilent(copy)).length,
      silent: kept.filter(isSilent).length,
      ...(monitor?.sync === undefined ? {} : { sync: monitor.sync }),
    };
  });
}
