/**
 * What each service's NATS user may publish and subscribe to: its own subjects, streams and inboxes, and no more.
 * A stream's API has the stream as a whole token, so shards are named one by one.
 */
import { serviceNames } from '@postrider/protocol';

export interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
  /** Answers whoever asks it: may publish to the reply subject of a message that it got. */
  readonly answers: boolean;
}

/** NATS users: the services, who makes the streams, and who backs them up and changes them. */
export const natsUsers = [...serviceNames, 'admin', 'init', 'operator'] as const;
export type NatsUser = (typeof natsUsers)[number];

const spool = ['SPOOL', 'DEFER', 'DEFER-CONTENT', 'CONTENT'] as const;
type Kind = (typeof spool)[number];

/** @param shards names, as `0` */
export function permissionsOf(user: NatsUser, shards: readonly string[]): Permissions {
  const own = owns[user];
  const api = (operation: string, kinds: readonly Kind[]): readonly string[] =>
    shards.flatMap((shard) => kinds.map((kind) => `$JS.API.${operation}.${kind}-${shard}`));
  const telling =
    user === 'init' || user === 'operator' ? [] : [`mta.events.${user}.>`, `mta.status.${user}.*`];
  const answers = own.hosts !== undefined;
  return {
    publish: [
      '$JS.API.INFO',
      '$JS.API.STREAM.NAMES',
      // A connection looks whether its server hears the others: a word to itself by way of them.
      `_INBOX.${user}.>`,
      ...telling,
      ...(own.publish ?? []),
      ...(own.api ?? []).flatMap(([operation, kinds]) => api(operation, kinds)),
    ],
    subscribe: [
      `_INBOX.${user}.>`,
      ...(answers ? ['$SRV.>'] : []),
      ...(own.hosts ?? []),
      ...(own.watches ?? []),
    ],
    answers,
  };
}

interface Own {
  readonly publish?: readonly string[];
  readonly api?: readonly (readonly [operation: string, kinds: readonly Kind[]])[];
  /** Subjects of its actors. */
  readonly hosts?: readonly string[];
  readonly watches?: readonly string[];
}

const owns: Readonly<Record<NatsUser, Own>> = {
  'smtp-ingress': {
    publish: [
      'mta.v1.alias-expander.resolve',
      'mta.v1.dns-resolver.reverse',
      'mta.v1.shard.*.hint',
      // ETRN
      'mta.v1.shard.*.retry',
      'mta.v1.queue-manager.shards',
      'mta.v1.spool.*.segment',
      'mta.v1.content.*.*.*',
    ],
    // How full it is; a large content that was given up.
    api: [
      ['STREAM.INFO', spool],
      ['STREAM.PURGE', ['CONTENT']],
    ],
    hosts: ['mta.v1.smtp-ingress.*'],
  },
  'queue-manager': {
    publish: [
      'mta.v1.spool.*.outcome',
      'mta.v1.defer.*.state',
      'mta.v1.defer.*.content',
      'mta.v1.quarantine.*.*',
      ...['STREAM.INFO', 'STREAM.PURGE', 'STREAM.MSG.GET'].map(
        (operation) => `$JS.API.${operation}.QUARANTINE`,
      ),
      'mta.v1.alias-expander.page',
      'mta.v1.dns-resolver.locate',
      'mta.v1.outbound-delivery.open',
      'mta.v1.channel.*.*',
      'mta.v1.worker.*.holds',
      'mta.v1.shard.*.who',
      'mta.v1.shard.*.grant',
      'mta.v1.shard.*.claims',
      'mta.v1.keeper.*.take',
      '$KV.MTA-LEASES.>',
      '$JS.API.DIRECT.GET.KV_MTA-LEASES.>',
    ],
    // UPDATE: room for outcomes in a stream that is full to the last octet.
    api: [
      ...['STREAM.INFO', 'STREAM.LEADER.STEPDOWN', 'STREAM.PURGE', 'STREAM.MSG.GET', 'DIRECT.GET'].map(
        (operation) => [operation, spool] as const,
      ),
      ['STREAM.UPDATE', ['SPOOL', 'DEFER']],
    ],
    hosts: ['mta.v1.queue-manager.*', 'mta.v1.keeper.*.*', 'mta.v1.shard.*.*'],
    watches: ['mta.status.queue-manager.*', 'mta.status.outbound-delivery.*'],
  },
  'dns-resolver': { hosts: ['mta.v1.dns-resolver.*'] },
  'outbound-delivery': {
    publish: ['mta.v1.shard.*.report', 'mta.v1.shard.*.beat'],
    api: [['DIRECT.GET', ['CONTENT']]],
    hosts: ['mta.v1.outbound-delivery.*', 'mta.v1.worker.*.*', 'mta.v1.channel.*.*'],
  },
  'alias-expander': { hosts: ['mta.v1.alias-expander.*'] },
  // Also the operator's command line, which runs in its pod.
  admin: {
    publish: [
      ...[
        'lookup',
        'list',
        'show',
        'summary',
        'sites',
        'retry',
        'hold',
        'release',
        'delete',
        'quarantine',
      ].map((message) => `mta.v1.shard.*.${message}`),
      'mta.v1.queue-manager.shards',
      'mta.v1.smtp-ingress.submit',
      'mta.v1.dns-resolver.locate',
      'mta.v1.alias-expander.resolve',
      '$SRV.>',
      '$JS.API.STREAM.LIST',
      '$JS.API.STREAM.INFO.EVENTS',
      '$JS.API.CONSUMER.CREATE.EVENTS',
      '$JS.API.CONSUMER.CREATE.EVENTS.>',
      ...['INFO', 'MSG.NEXT', 'DELETE'].map((operation) => `$JS.API.CONSUMER.${operation}.EVENTS.*`),
    ],
    watches: ['mta.status.>', 'mta.events.>'],
  },
  // Makes what is missing; changes and removes nothing.
  init: { publish: ['$JS.API.STREAM.INFO.*', '$JS.API.STREAM.CREATE.*'] },
  // `cluster backup`, `restore`, `replicas`, `prune`: its key is a key to all mail, and stays with the operator.
  operator: {
    publish: [
      ...['LIST', 'INFO.*', 'CREATE.*', 'UPDATE.*', 'DELETE.*', 'PURGE.*', 'MSG.GET.*', 'MSG.DELETE.*'].map(
        (operation) => `$JS.API.STREAM.${operation}`,
      ),
      '$JS.API.DIRECT.GET.>',
      '$KV.MTA-LEASES.backup.*',
      'mta.v1.spool.*.*',
      'mta.v1.defer.*.*',
      'mta.v1.content.*.*.*',
      'mta.v1.quarantine.*.*',
      'mta.v1.shard.*.sites',
    ],
    watches: ['mta.status.>'],
  },
};
