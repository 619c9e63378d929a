import { readFileSync } from 'node:fs';
import type { StatusRecord } from '@postrider/protocol';
import { expect, test } from 'vitest';
import { metricTable, type MetricRow } from './metric-table.js';
import { metricsOf } from './metrics.js';

const record = (service: string, figures: object): StatusRecord => ({
  at: '2026-01-01T00:00:00.000Z',
  service,
  instance: 'pod-1-ab',
  version: '0.1.0',
  uptimeInSeconds: 3,
  ready: true,
  memoryInOctets: 4096,
  eventLoopLagInMilliseconds: 250,
  ...figures,
});

test.each([
  ['postrider_ready{service="admin"} 1', record('admin', {})],
  ['postrider_event_loop_lag_seconds{service="admin"} 0.25', record('admin', {})],
  [
    'postrider_mailbox_waiting{service="admin",protocol="shard"} 7',
    record('admin', { mailboxWaiting: { shard: 7 } }),
  ],
  [
    'postrider_certificate_left_seconds{service="smtp-ingress",certificate="mx/mail.test"} -5',
    record('smtp-ingress', { certificateLeftInSeconds: { 'mx/mail.test': -5 } }),
  ],
  [
    'postrider_spool_turned_away_total{service="smtp-ingress",reason="full"} 2',
    record('smtp-ingress', { turnedAwayFull: 2 }),
  ],
  [
    'postrider_spool_commit_seconds_bucket{service="smtp-ingress",le="0.5"} 2',
    record('smtp-ingress', { commitInSeconds: { upTo: { '0.5': 2, '1': 3 }, count: 4, sum: 12.5 } }),
  ],
  [
    'postrider_spool_commit_seconds_bucket{service="smtp-ingress",le="+Inf"} 4',
    record('smtp-ingress', { commitInSeconds: { upTo: { '0.5': 2, '1': 3 }, count: 4, sum: 12.5 } }),
  ],
  [
    'postrider_spool_commit_seconds_sum{service="smtp-ingress"} 12.5',
    record('smtp-ingress', { commitInSeconds: { upTo: { '0.5': 2, '1': 3 }, count: 4, sum: 12.5 } }),
  ],
  [
    'postrider_queue_mails{service="queue-manager",shard="3",state="held"} 1',
    record('queue-manager', { shards: { '3': { held: 1 } } }),
  ],
  [
    'postrider_channels{service="outbound-delivery",state="busy"} 5',
    record('outbound-delivery', { channelsBusy: 5 }),
  ],
  [
    'postrider_dns_cache_lookups_total{service="dns-resolver",result="hits"} 8',
    record('dns-resolver', { hits: 8 }),
  ],
])('%s', async (line, of) => {
  expect((await metricsOf([of])).split('\n')).toContain(line);
});

test('a figure of one service is no metric of another, and what is no number is none', async () => {
  const text = await metricsOf([
    record('admin', { accepted: 5 }),
    record('smtp-ingress', { accepted: 'many', commitInSeconds: 3 }),
  ]);
  expect(text).not.toContain('postrider_spool_commit_seconds');
  expect(text).not.toContain('postrider_mails_accepted_total');
});

test('names as Prometheus wants them, and no label whose values mail brings along', () => {
  for (const { name, kind, label } of metricTable) {
    expect(name).toMatch(/^postrider_[a-z_]+$/);
    expect(name.endsWith('_total')).toBe(kind === 'counter');
    expect(['shard', 'protocol', 'certificate', undefined]).toContain(label);
  }
});

test('services/admin/README.md lists them all, and no other', () => {
  const readme = readFileSync(new URL('../../../../services/admin/README.md', import.meta.url), 'utf8');
  const [, metrics = ''] = /\n## Metrics\n(.*)/s.exec(readme) ?? [];
  const listed = metrics.split('\n### ').slice(1).flatMap(itemsUnder);
  const wanted = metricTable.map(wordsOf);
  expect(listed.sort()).toEqual([...new Set(wanted)].sort());
});

/** Its heading, and an item under it as one line. */
function itemsUnder(text: string): readonly string[] {
  const [heading = ''] = text.split('\n', 1);
  return [...text.matchAll(/^- (.*(?:\n {2}.*)*)/gm)].map(
    ([, item = '']) => `${heading}: ${item.replaceAll(/\s+/g, ' ')}`,
  );
}

function wordsOf({ service, name, kind, help, label, constant = {} }: MetricRow): string {
  const labels = [...(label === undefined ? [] : [label]), ...Object.keys(constant)];
  const by = labels.length === 0 ? '' : ` by ${labels.join(' and ')}`;
  return `${service ?? 'Every service'}: \`${name}\` (${kind}${by}): ${help.charAt(0).toLowerCase()}${help.slice(1)}`;
}
