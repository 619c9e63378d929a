/**
 * Metrics from the records that stand on `mta.status.>`: one source, so that Prometheus and a NATS tool say the same.
 * A record has as many series as the table has rows, times shards and protocols: addresses, domains and sites are
 * never labels.
 */
import type { HistogramFigure, StatusRecord } from '@postrider/protocol';
import { Counter, Gauge, Registry } from 'prom-client';
import { histogramText, type Spread } from './histogram-text.js';
import { metricTable, type MetricRow } from './metric-table.js';

export const metricsContentType = Registry.PROMETHEUS_CONTENT_TYPE;

/** @param perProcess labels each series with its process, where one page shows many; @returns the exposition format */
export async function metricsOf(records: readonly StatusRecord[], perProcess = false): Promise<string> {
  const registry = new Registry();
  let histograms = '';
  for (const row of metricTable) {
    if (row.kind === 'histogram') {
      const spreads = records.flatMap((record) => spreadsOf(row, record, perProcess));
      if (spreads.length > 0) histograms += histogramText(row.name, row.help, spreads);
      continue;
    }
    const samples = records.flatMap((record) => samplesOf(row, record));
    if (samples.length > 0) register(registry, row, samples, perProcess);
  }
  return (await registry.metrics()) + histograms;
}

interface Sample {
  readonly record: StatusRecord;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

function register(
  registry: Registry,
  { name, help, kind, label, constant }: MetricRow,
  samples: readonly Sample[],
  perProcess: boolean,
): void {
  const labelNames = [
    'service',
    ...(perProcess ? ['process'] : []),
    ...(label === undefined ? [] : [label]),
    ...Object.keys(constant ?? {}),
  ];
  const known = registry.getSingleMetric(name);
  const options = { name, help, labelNames, registers: [registry] };
  const metric = known ?? (kind === 'counter' ? new Counter(options) : new Gauge(options));
  for (const { record, labels, value } of samples) {
    const all = {
      service: record.service,
      ...(perProcess ? { process: record.instance } : {}),
      ...labels,
      ...constant,
    };
    // A total of the process itself: it begins at 0 with each scrape's registry.
    (metric as Counter | Gauge).inc(all, value);
  }
}

function samplesOf(row: MetricRow, record: StatusRecord): readonly Sample[] {
  if (row.service !== undefined && row.service !== record.service) return [];
  const factor = row.factor ?? 1;
  const sample = (value: unknown, labels: Readonly<Record<string, string>>): readonly Sample[] => {
    const figure = typeof value === 'boolean' ? Number(value) : value;
    return typeof figure === 'number' && Number.isFinite(figure)
      ? [{ record, labels, value: figure * factor }]
      : [];
  };
  if (row.label === undefined) return sample(record[row.figure], {});
  const { label, within } = row;
  const map = record[within ?? row.figure];
  if (typeof map !== 'object' || map === null) return [];
  return Object.entries(map as Readonly<Record<string, unknown>>).flatMap(([key, value]) =>
    sample(within === undefined ? value : (value as Readonly<Record<string, unknown>>)[row.figure], {
      [label]: key,
    }),
  );
}

function spreadsOf(row: MetricRow, record: StatusRecord, perProcess: boolean): readonly Spread[] {
  const figure = row.service === record.service ? record[row.figure] : undefined;
  if (!isHistogramFigure(figure)) return [];
  return [
    { figure, labels: { service: record.service, ...(perProcess ? { process: record.instance } : {}) } },
  ];
}

function isHistogramFigure(value: unknown): value is HistogramFigure {
  return typeof value === 'object' && value !== null && 'upTo' in value && 'count' in value && 'sum' in value;
}
