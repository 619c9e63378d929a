/**
 * A histogram whose counts stand in gauge records, in Prometheus's exposition format (0.0.4): prom-client counts only what it
 * is given one by one.
 */
import type { HistogramFigure } from '@postrider/protocol';

export interface Spread {
  readonly figure: HistogramFigure;
  readonly labels: Readonly<Record<string, string>>;
}

export function histogramText(name: string, help: string, spreads: readonly Spread[]): string {
  const lines = spreads.flatMap(({ figure: { upTo, count, sum }, labels }) => [
    ...Object.entries(upTo).map(([le, value]) => line(`${name}_bucket`, { ...labels, le }, value)),
    line(`${name}_bucket`, { ...labels, le: '+Inf' }, count),
    line(`${name}_sum`, labels, sum),
    line(`${name}_count`, labels, count),
  ]);
  return [`# HELP ${name} ${help}`, `# TYPE ${name} histogram`, ...lines, ''].join('\n');
}

function line(name: string, labels: Readonly<Record<string, string>>, value: number): string {
  const shown = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
  return `${name}{${shown.join(',')}} ${value}`;
}

const escaped = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
