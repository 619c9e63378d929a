/**
 * Which figure of a gauge record is which metric. Names by Prometheus's conventions: base units, `_total` for
 * counters. services/admin/README.md lists them; metrics.spec.ts compares.
 */
import type { ServiceName } from '@postrider/protocol';

export interface MetricRow {
  readonly name: string;
  readonly help: string;
  /** histogram: the figure is a HistogramFigure, in the base unit. */
  readonly kind: 'gauge' | 'counter' | 'histogram';
  /** Absent: of every service. */
  readonly service?: ServiceName | 'admin';
  readonly figure: string;
  /** To the base unit: 0.001 for milliseconds. */
  readonly factor?: number;
  /** The figure is a map whose keys are this label's values. */
  readonly label?: 'shard' | 'protocol' | 'certificate';
  /** The map stands under this name, and the figure is within each of its values. */
  readonly within?: string;
  /** Several figures make one metric. */
  readonly constant?: Readonly<Record<string, string>>;
}

const milliseconds = 0.001;

type Short = Omit<MetricRow, 'kind' | 'service' | 'name' | 'help'>;
const rows =
  (service?: MetricRow['service']) =>
  (kind: MetricRow['kind']) =>
  (name: string, help: string, figure: string | Short): MetricRow => ({
    name: `postrider_${name}`,
    help,
    kind,
    ...(service === undefined ? {} : { service }),
    ...(typeof figure === 'string' ? { figure } : figure),
  });

const every = { gauge: rows()('gauge'), counter: rows()('counter') };
const ingress = {
  gauge: rows('smtp-ingress')('gauge'),
  counter: rows('smtp-ingress')('counter'),
  histogram: rows('smtp-ingress')('histogram'),
};
const queue = rows('queue-manager')('gauge');
const queueCounter = rows('queue-manager')('counter');
const outbound = { gauge: rows('outbound-delivery')('gauge'), counter: rows('outbound-delivery')('counter') };
const dns = { gauge: rows('dns-resolver')('gauge'), counter: rows('dns-resolver')('counter') };
const alias = { gauge: rows('alias-expander')('gauge'), counter: rows('alias-expander')('counter') };

const ofShard = (figure: string, more: Omit<Short, 'figure'> = {}): Short => ({
  figure,
  label: 'shard',
  within: 'shards',
  ...more,
});

const ofEvery: readonly MetricRow[] = [
  every.gauge('ready', '1 while the process takes work', 'ready'),
  every.gauge('uptime_seconds', 'Since the start of the process', 'uptimeInSeconds'),
  every.gauge('memory_bytes', 'Resident set of the process', 'memoryInOctets'),
  every.gauge('event_loop_lag_seconds', 'Delay of the event loop, 99th of a hundred in the last second', {
    figure: 'eventLoopLagInMilliseconds',
    factor: milliseconds,
  }),
  every.gauge('nats_away_seconds', 'Since when NATS is away; 0 while connected', {
    figure: 'natsAwayForInMilliseconds',
    factor: milliseconds,
  }),
  every.gauge('mailbox_waiting', 'Messages in the mailboxes of actors', {
    figure: 'mailboxWaiting',
    label: 'protocol',
  }),
  every.counter('events_dropped_total', 'Events that could not be published', 'eventsDropped'),
  every.counter('configurations_refused_total', 'Bad configurations on a reload', 'configurationsRefused'),
];

const certificateHelp = 'Until a certificate ends: of a listener, or its name; nats/HOST by admin';
const ofCertificate: Short = { figure: 'certificateLeftInSeconds', label: 'certificate' };

const ofIngress: readonly MetricRow[] = [
  ingress.gauge('smtp_sessions', 'Sessions that are open', 'sessions'),
  ingress.counter('smtp_sessions_total', 'Sessions taken', 'sessionsTotal'),
  ingress.counter('mails_accepted_total', 'Mails answered with 250', 'accepted'),
  ingress.counter(
    'mails_discarded_total',
    'Mails answered with 250 that access rules throw away',
    'discarded',
  ),
  ingress.counter('smtp_rejected_total', 'Senders, recipients and contents refused', 'rejected'),
  ingress.counter('content_accepted_bytes_total', 'Content of accepted mail', 'contentInOctets'),
  ingress.gauge('certificate_left_seconds', certificateHelp, ofCertificate),
  ingress.gauge('content_held_bytes', 'Content in memory that is not durable yet', 'contentHeldInOctets'),
  ingress.gauge('waiting_to_send', 'Clients whose content waits for memory to be free', 'waitingToSend'),
  ingress.counter('spool_segments_total', 'Segments acknowledged', 'segments'),
  ingress.counter(
    'spool_segment_mails_total',
    'Mails in them: over segments, the mails of one',
    'segmentMails',
  ),
  ingress.histogram('spool_segment_bytes', 'Their size', 'segmentInOctets'),
  ingress.histogram('spool_commit_seconds', 'From a publish to its acknowledgement', 'commitInSeconds'),
  ingress.gauge('spool_commit_last_seconds', 'The last one', {
    figure: 'lastCommitInMilliseconds',
    factor: milliseconds,
  }),
  ingress.gauge('spool_commit_waiting', 'Mails that wait for their acknowledgement', 'waitingForCommit'),
  ingress.counter('spool_turned_away_total', 'Mails that found no place: full 452, unavailable 451', {
    figure: 'turnedAwayFull',
    constant: { reason: 'full' },
  }),
  ingress.counter('spool_turned_away_total', 'Mails that found no place: full 452, unavailable 451', {
    figure: 'turnedAwayUnavailable',
    constant: { reason: 'unavailable' },
  }),
];

const mailsHelp = 'Mails of the queue: active (ready or in flight), deferred, held';
const ofQueue: readonly MetricRow[] = [
  ...['active', 'deferred', 'held'].map((state) =>
    queue('queue_mails', mailsHelp, ofShard(state, { constant: { state } })),
  ),
  queue('queue_in_flight', 'Mails in the hands of channels', ofShard('inFlight')),
  queue('queue_ready', 'Mails that only wait for a channel, once a site', ofShard('readyParts')),
  queue('queue_oldest_seconds', 'Age of the oldest mail', ofShard('oldestInSeconds')),
  queue('queue_oldest_ready_seconds', 'Age of the oldest that is ready', ofShard('oldestReadyInSeconds')),
  queue(
    'queue_oldest_deferred_seconds',
    'Age of the oldest that is deferred',
    ofShard('oldestDeferredInSeconds'),
  ),
  queue('queue_oldest_held_seconds', 'Age of the oldest that is held', ofShard('oldestHeldInSeconds')),
  ...['deferred', 'failed', 'expired', 'unknown', 'held'].map((outcome) =>
    queueCounter('queue_recipients_total', 'Recipients by what the queue made of an attempt', {
      ...ofShard(`recipients${outcome.charAt(0).toUpperCase()}${outcome.slice(1)}`),
      constant: { outcome },
    }),
  ),
  queue('queue_quarantined', 'Records of the logs that were set aside', ofShard('quarantined')),
  queue('queue_content_bytes', 'Content in memory', ofShard('contentOctets')),
  queue('queue_channels', 'Channels to next hops', ofShard('channels')),
  queue('queue_sites', 'Sites with mail or channels', ofShard('sites')),
  queue(
    'queue_unwritten_seconds',
    'Since when an outcome waits to be written',
    ofShard('unwrittenForInMilliseconds', { factor: milliseconds }),
  ),
  queue('spool_bytes', 'Octets in SPOOL', ofShard('octets')),
  queue('spool_max_bytes', 'Room of SPOOL', ofShard('maxOctets')),
  queue('defer_bytes', 'Octets in DEFER and DEFER-CONTENT', ofShard('deferOctets')),
  queue('large_content_bytes', 'Octets in CONTENT', ofShard('largeContentOctets')),
  queue('shards_owned', 'Shards that this process owns', 'shardsOwned'),
  queue('shards_known', 'Shards that there are', 'shardsKnown'),
  queue('queue_members', 'Queue-managers that it sees', 'members'),
];

const ofOutbound: readonly MetricRow[] = [
  ...['connecting', 'idle', 'busy', 'ending'].map((state) =>
    outbound.gauge('channels', 'Outbound connections by state', {
      figure: `channels${state.charAt(0).toUpperCase()}${state.slice(1)}`,
      constant: { state },
    }),
  ),
  outbound.counter('channels_opened_total', 'Channels opened', 'opened'),
  ...['delivered', 'relayed', 'temporary', 'permanent', 'unknown', 'untried'].map((outcome) =>
    outbound.counter('delivery_recipients_total', 'Recipients by outcome of an attempt', {
      figure: outcome,
      constant: { outcome },
    }),
  ),
  outbound.gauge('delivery_held_bytes', 'Content that channels hold', 'heldOctets'),
];

const ofOthers: readonly MetricRow[] = [
  ...['hits', 'misses'].map((result) =>
    dns.counter('dns_cache_lookups_total', 'Look-ups in the cache by result', {
      figure: result,
      constant: { result },
    }),
  ),
  dns.counter('dns_failures_total', 'Look-ups that no nameserver could answer', 'failures'),
  dns.counter('dns_stale_answers_total', 'Answers past their time, given because of that', 'stale'),
  dns.gauge('dns_cache_entries', 'Answers in the cache', 'entries'),
  dns.counter('dns_queries_total', 'Queries to nameservers', 'queries'),
  rows('admin')('gauge')('certificate_left_seconds', certificateHelp, ofCertificate),
  alias.gauge('aliases', 'Aliases known', 'aliases'),
  alias.counter('alias_resolved_total', 'Addresses resolved', 'resolved'),
  alias.counter('alias_reloads_failed_total', 'Alias files that could not be read', 'reloadsFailed'),
];

export const metricTable: readonly MetricRow[] = [
  ...ofEvery,
  ...ofIngress,
  ...ofQueue,
  ...ofOutbound,
  ...ofOthers,
];
