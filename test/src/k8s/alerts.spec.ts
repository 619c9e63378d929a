/** The alert rules by promtool, on recorded series: each is silent before its time and fires after it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { metricsOf } from '@postrider/runtime';
import { afterAll, expect } from 'vitest';
import { parse, stringify } from 'yaml';
import { runClient, testWith } from '../e2e/peers.js';
import { k8sFolder } from './render.js';

const test = testWith('promtool');
const folder = mkdtempSync(join(tmpdir(), 'postrider-rules-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Case {
  readonly alert: string;
  readonly series: Readonly<Record<string, string>>;
  readonly quietAt: string;
  readonly firesAt: string;
  readonly labels: Readonly<Record<string, string>>;
}

const healthy = {
  'postrider_shards_known{pod="q"}': '2x80',
  'postrider_shards_owned{pod="q"}': '2x80',
};

const cases: readonly Case[] = [
  {
    alert: 'PostriderOldestReadyMail',
    series: { ...healthy, 'postrider_queue_oldest_ready_seconds{shard="0"}': '400x80' },
    quietAt: '4m',
    firesAt: '6m',
    labels: { severity: 'warning' },
  },
  {
    alert: 'PostriderSpoolFilling',
    series: {
      ...healthy,
      'postrider_spool_bytes{shard="1"}': '70x19 85x60',
      'postrider_spool_max_bytes{shard="1"}': '100x80',
    },
    quietAt: '4m',
    firesAt: '7m',
    labels: { severity: 'critical', shard: '1' },
  },
  {
    alert: 'PostriderShardWithoutOwner',
    series: { 'postrider_shards_known{pod="q"}': '2x80', 'postrider_shards_owned{pod="q"}': '2x19 1x60' },
    quietAt: '4m',
    firesAt: '6m',
    labels: { severity: 'critical' },
  },
  {
    alert: 'PostriderMailHeld',
    series: {
      ...healthy,
      'postrider_queue_mails{shard="0",state="held"}': '0x3 2x80',
      'postrider_queue_mails{shard="0",state="active"}': '9x80',
    },
    quietAt: '15m',
    firesAt: '17m',
    labels: { severity: 'warning' },
  },
  {
    alert: 'PostriderQuarantine',
    series: { ...healthy, 'postrider_queue_quarantined{shard="1"}': '0x19 1x60' },
    quietAt: '4m',
    firesAt: '6m',
    labels: { severity: 'critical' },
  },
  {
    alert: 'PostriderTurnsMailAway',
    series: { ...healthy, 'postrider_spool_turned_away_total{reason="full"}': '0+3x80' },
    quietAt: '4m',
    firesAt: '8m',
    labels: { severity: 'critical', reason: 'full' },
  },
  {
    alert: 'PostriderNatsAway',
    series: { ...healthy, 'postrider_nats_away_seconds{service="smtp-ingress"}': '0x19 45x60' },
    quietAt: '4m',
    firesAt: '6m',
    labels: { severity: 'critical', service: 'smtp-ingress' },
  },
  {
    alert: 'PostriderCertificateExpires',
    series: {
      ...healthy,
      // 14 days and 5 minutes at the start of the series.
      'postrider_certificate_left_seconds{certificate="mx",pod="a"}': '1209900-15x80',
      'postrider_certificate_left_seconds{certificate="mx",pod="b"}': '5000000-15x80',
    },
    quietAt: '4m',
    firesAt: '7m',
    labels: { severity: 'warning', certificate: 'mx' },
  },
];

test('promtool: each alert is silent before its time and fires after', async () => {
  const { spec } = parse(readFileSync(join(k8sFolder, 'components/monitoring/rules.yaml'), 'utf8')) as {
    spec: { groups: readonly { rules: readonly { alert: string }[] }[] };
  };
  expect(cases.map(({ alert }) => alert)).toEqual(
    spec.groups.flatMap(({ rules }) => rules.map((r) => r.alert)),
  );
  // The annotations are for people; what is tested is when, and with which labels.
  const bare = {
    groups: spec.groups.map((group) => ({
      ...group,
      rules: group.rules.map((rule) => ({ ...rule, annotations: {} })),
    })),
  };
  writeFileSync(join(folder, 'full.yaml'), stringify(spec));
  writeFileSync(join(folder, 'rules.yaml'), stringify(bare));
  const tests = cases.map(({ alert, series, quietAt, firesAt, labels }) => ({
    interval: '15s',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    alert_rule_test: [
      { eval_time: quietAt, alertname: alert, exp_alerts: [] },
      { eval_time: firesAt, alertname: alert, exp_alerts: [{ exp_labels: labels }] },
    ],
  }));
  const file = join(folder, 'tests.yaml');
  writeFileSync(file, stringify({ rule_files: ['rules.yaml'], evaluation_interval: '15s', tests }));
  const checked = await runClient('promtool', ['check', 'rules', join(folder, 'full.yaml')]);
  expect(checked.code, checked.output).toBe(0);
  const result = await runClient('promtool', ['test', 'rules', file]);
  expect(result.code, result.output).toBe(0);
});

test('promtool takes the page of metrics', async () => {
  const process = { at: '', instance: 'pod-1', version: '0.1.0', uptimeInSeconds: 3, ready: true };
  const record = {
    ...process,
    service: 'smtp-ingress',
    memoryInOctets: 4096,
    eventLoopLagInMilliseconds: 1,
    accepted: 5,
    commitInSeconds: { upTo: { '0.5': 2, '1': 3 }, count: 4, sum: 12.5 },
    certificateLeftInSeconds: { mx: 5 },
  };
  const page = await metricsOf([record], true);
  expect(page).toContain(
    'postrider_spool_commit_seconds_bucket{service="smtp-ingress",process="pod-1",le="0.5"} 2',
  );
  expect(await runClient('promtool', ['check', 'metrics'], page)).toEqual({ code: 0, output: '' });
});
