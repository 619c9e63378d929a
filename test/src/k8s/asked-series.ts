/** Series that the dashboard, the alert rules and the scalers ask Prometheus for. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { k8sFolder } from './render.js';

export interface AskedSeries {
  /** As on the page of metrics: a histogram's ends with `_bucket`. */
  readonly name: string;
  /** Of its selector, `{state="held"}`. */
  readonly labels: Readonly<Record<string, string>>;
  /** Labels that the expression groups by. */
  readonly groupedBy: readonly string[];
  readonly expression: string;
}

/** Prometheus gives these to each series of a target. */
const ofTarget = new Set(['namespace', 'pod', 'job', 'instance', 'container']);

const files = ['monitoring/dashboard.json', 'monitoring/rules.yaml', 'keda/scaled-objects.yaml'] as const;

export function askedSeries(): readonly AskedSeries[] {
  return files.flatMap((file) => {
    const text = readFileSync(join(k8sFolder, 'components', file), 'utf8');
    const documents = parseAllDocuments(text).map((document) => document.toJS() as unknown);
    const expressions = documents.flatMap((document) => expressionsIn(document));
    if (expressions.length === 0) throw new Error(`${file} asks for nothing`);
    return expressions.flatMap(seriesIn);
  });
}

/** Values of `expr` (rules, dashboard) and `query` (KEDA), wherever they stand. */
function expressionsIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]: readonly [string, unknown]) =>
    (key === 'expr' || key === 'query') && typeof inner === 'string' ? [inner] : expressionsIn(inner),
  );
}

export function seriesIn(expression: string): readonly AskedSeries[] {
  const groupedBy = [...expression.matchAll(/\bby\s*\(([^)]*)\)/g)].flatMap(([, labels = '']) =>
    labels.split(',').map((label) => label.trim()),
  );
  return [...expression.matchAll(/\b(postrider_[a-z_]+)(?:\{([^}]*)\})?/g)].map(
    ([, name = '', selector = '']) => ({
      name,
      labels: Object.fromEntries(
        [...selector.matchAll(/([a-z_]+)\s*=\s*"([^"]*)"/g)]
          .map(([, label = '', value = '']) => [label, value] as const)
          .filter(([label]) => !ofTarget.has(label)),
      ),
      groupedBy: groupedBy.filter((label) => !ofTarget.has(label)),
      expression,
    }),
  );
}

/** Does a page of metrics have such a series? */
export function isOn(page: string, { name, labels, groupedBy }: AskedSeries): boolean {
  return page.split('\n').some((line) => {
    if (!line.startsWith(`${name}{`)) return false;
    const has = (label: string): boolean => line.includes(`{${label}="`) || line.includes(`,${label}="`);
    const is = ([label, value]: readonly [string, string]): boolean => line.includes(`${label}="${value}"`);
    return groupedBy.every(has) && Object.entries(labels).every(is);
  });
}
