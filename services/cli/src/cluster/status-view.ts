/** `cluster status` for people: one screen. What is not known is '-'. */
import { counted, elapsed, size, span, table } from '../table.js';
import {
  currentCopies,
  isSilent,
  type ClusterStatus,
  type ServerStatus,
  type ShardStatus,
} from './status.js';

/** More sites than these are seldom looked at together; --json has all. */
const sitesShown = 10;

export function statusText(status: ClusterStatus, now: number): string {
  const { shards, sites, workers, instances, nats } = status;
  return [
    [headline(status)],
    section(shards.length, () => table([shardHead, ...shards.map(shardRow)])),
    section(sites.length, () => siteTable(sites, now)),
    section(workers.length, () => workerTable(workers)),
    section(nats.servers.length, () => table([serverHead, ...nats.servers.map(serverRow)])),
    streamTroubles(status),
    section(instances.length, () => instanceTable(instances)),
  ]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
}

const section = (rows: number, text: () => string): readonly string[] => (rows === 0 ? [] : [text()]);
const shown = (value: number | string | undefined): string => (value === undefined ? '-' : String(value));

function headline({ shards, instances, nats }: ClusterStatus): string {
  const owned = shards.filter(({ state }) => state !== 'no owner').length;
  const differing = instances.filter(({ differs }) => differs).length;
  const versions = new Set(instances.map(({ version }) => version));
  return [
    `${counted(shards.length, 'shard')}, ${owned} owned`,
    counted(instances.length, 'process', 'processes'),
    ...(differing > 0 ? [`${differing} with another configuration (*)`] : []),
    ...(versions.size > 1 ? [`versions ${[...versions].sort().join(', ')}`] : []),
    ...(nats.answers ? [] : ['JetStream does not answer']),
  ].join('; ');
}

const shardHead = [
  'shard',
  'state',
  'live',
  'ready',
  'in flight',
  'deferred',
  'held',
  'oldest ready',
  'spool',
  'copies',
  'leader',
  'owner',
];

function shardRow(shard: ShardStatus): readonly string[] {
  const { octets, maxOctets, copies, owners, oldestReadyInSeconds: oldest } = shard;
  return [
    shard.shard,
    shard.state,
    shown(shard.live),
    shown(shard.ready),
    shown(shard.inFlight),
    shown(shard.deferred),
    shown(shard.held),
    oldest === undefined || shard.ready === 0 ? '-' : span(oldest * 1000),
    octets === undefined
      ? '-'
      : `${size(octets)}${maxOctets === undefined || maxOctets <= 0 ? '' : ` of ${size(maxOctets)}`}`,
    copies === undefined ? '-' : `${copies.current}/${copies.wanted === 0 ? '?' : copies.wanted}`,
    shown(shard.leader),
    owners.length === 0 ? '-' : owners.join(' and '),
  ];
}

function siteTable(sites: ClusterStatus['sites'], now: number): string {
  const rows = sites
    .slice(0, sitesShown)
    .map(({ site, channels, limit, waiting, inFlight, blockedUntil }) => [
      `${channels}/${shown(limit)}`,
      String(waiting),
      String(inFlight),
      blockedUntil === undefined ? '-' : `for ${span(Math.max(0, Date.parse(blockedUntil) - now))}`,
      site,
    ]);
  const text = table([['channels', 'waiting', 'in flight', 'left alone', 'site'], ...rows]);
  return sites.length > sitesShown ? `${text}\n… and ${sites.length - sitesShown} more: --json` : text;
}

const workerTable = (workers: ClusterStatus['workers']): string =>
  table([
    ['channels', 'busy', 'idle', 'connecting', 'worker'],
    ...workers.map(({ instance, channels, atMost, busy, idle, connecting }) => [
      `${shown(channels)}/${shown(atMost)}`,
      shown(busy),
      shown(idle),
      shown(connecting),
      instance,
    ]),
  ]);

const serverHead = ['NATS server', 'version', 'leads', 'copies', 'lagging', 'silent', 'sync'];

const serverRow = ({ server, version, leads, copies, lagging, silent, sync }: ServerStatus) => [
  server,
  shown(version),
  String(leads),
  String(copies),
  String(lagging),
  String(silent),
  typeof sync === 'number' ? `NOT always: every ${elapsed(sync)}` : shown(sync),
];

/** Streams that are not as they should be; the others only count. */
function streamTroubles({ nats: { streams } }: ClusterStatus): readonly string[] {
  return streams.flatMap((state) => {
    const { stream, leader, replicas, wanted } = state;
    if (leader === undefined && currentCopies(state) === 0) return [`${stream}: NO LEADER`];
    const behind = replicas.flatMap((copy) => {
      const { server, current, lag, silentFor } = copy;
      if (isSilent(copy)) return [`${server} is silent for ${span(silentFor)}`];
      return current ? [] : [`${server} lags${lag > 0 ? ` by ${lag}` : ''}`];
    });
    const fewer = 1 + replicas.length < wanted ? [`${1 + replicas.length} of ${wanted} copies`] : [];
    const all = [...fewer, ...behind];
    return all.length === 0 ? [] : [`${stream}: ${all.join(', ')}`];
  });
}

const instanceTable = (instances: ClusterStatus['instances']): string =>
  table([
    ['version', 'configuration', 'ready', 'up', 'memory', 'loop lag', 'process', 'services'],
    ...instances.map((one) => [
      one.version,
      one.configuration === undefined ? '-' : `${one.configuration}${one.differs ? ' *' : ''}`,
      one.ready ? 'yes' : 'NO',
      span(one.uptimeInSeconds * 1000),
      size(one.memoryInOctets),
      `${one.eventLoopLagInMilliseconds} ms`,
      one.instance,
      one.services.join(' '),
    ]),
  ]);
