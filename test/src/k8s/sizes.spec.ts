/** The sizes of k8s/README.md: worked out again from what was measured, and held against what the manifests request. */
import { expect } from 'vitest';
import { testWith } from '../e2e/peers.js';
import { readText, rowsOf, section } from '../integration/readme-parts.js';
import { leastReplicas, render, podOf } from './render.js';

const test = testWith('kubectl', 'openssl');
const sizes = section(readText('k8s/README.md'), 'Sizes');
const measured = rowsOf(section(readText('README.md'), 'Speed'));
const number = (text: string): number => Number(text.replaceAll(/[, ]/g, ''));
const stated = (pattern: RegExp): number => Number(pattern.exec(sizes)?.[1]);

const cpuInMilliseconds = stated(/([0-9.]+) ms of CPU a mail/);
const kilobytes = stated(/a mail of ([0-9]+) kB/);
const peakFactor = 5;
const reserve = 2;
const secondsOfDay = 86_400;

test('the CPU that is planned with is above all that was measured, by a quarter at most', () => {
  const row = measured.find(([question]) => question === 'CPU a mail, ms');
  const atWorst = stated(/slowest machine that was\s+measured, ([0-9.]+) ms/);
  expect(atWorst).toBeGreaterThan(Number(row?.[1]));
  expect(cpuInMilliseconds).toBeGreaterThanOrEqual(atWorst);
  expect(cpuInMilliseconds).toBeLessThanOrEqual(1.25 * atWorst);
});

test('each row follows', () => {
  const rows = rowsOf(sizes).filter(([first = '']) => first.endsWith('million'));
  expect(rows.map(([first = '']) => parseInt(first, 10))).toEqual([1, 10, 100]);
  for (const [millions = '', mean = '', peak = '', cores = '', disk = ''] of rows) {
    const perSecond = (parseInt(millions, 10) * 1e6) / secondsOfDay;
    expect(number(mean), millions).toBe(Math.round(perSecond));
    expect(number(peak), millions).toBe(Math.round(perSecond * peakFactor));
    const exact = (perSecond * peakFactor * reserve * cpuInMilliseconds) / 1000;
    expect(Math.abs(number(cores) - exact) / exact, `${millions}: ${exact} cores`).toBeLessThan(0.1);
    expect(disk, millions).toBe(`${parseInt(millions, 10) * kilobytes} GB`);
  }
});

const unit: Readonly<Record<string, number>> = { m: 0.001, Mi: 1 / 1024, Gi: 1, '': 1 };
const amount = (text: string): number => {
  const [, value = '', suffix = ''] = /^([0-9.]+)([A-Za-z]*)$/.exec(text) ?? [];
  return Number(value) * (unit[suffix] ?? Number.NaN);
};

test('what production requests is what is said, and holds ten million mails a day', () => {
  const rendered = render({ overlay: 'production' });
  rendered.remove();
  let [cores, gibibytes] = [0, 0];
  for (const manifest of rendered.manifests) {
    const pod = podOf(manifest);
    if (!pod || manifest.kind === 'Job') continue;
    const stated = (manifest.spec as { readonly replicas?: number }).replicas;
    const replicas = stated ?? leastReplicas(rendered.manifests, manifest.metadata.name) ?? Number.NaN;
    for (const { resources } of pod.containers) {
      const { cpu, memory } = resources?.requests as { readonly cpu: string; readonly memory: string };
      cores += replicas * amount(cpu);
      gibibytes += replicas * amount(memory);
    }
  }
  expect(stated(/requests ([0-9.]+) cores/)).toBeCloseTo(cores, 1);
  expect(stated(/and ([0-9.]+) GiB/)).toBeCloseTo(gibibytes, 1);
  const [, ten] = rowsOf(sizes);
  expect(cores).toBeGreaterThan(number(ten?.[3] ?? ''));
});

test('memory: each pod requests more than was measured of its process', () => {
  const rendered = render({ overlay: 'production' });
  rendered.remove();
  const requested = (name: string): number => {
    const manifest = rendered.manifests.find(
      ({ kind, metadata }) => ['Deployment', 'StatefulSet'].includes(kind) && metadata.name === name,
    );
    const { memory } = (manifest && podOf(manifest)?.containers[0].resources?.requests) as {
      readonly memory: string;
    };
    return amount(memory) * 1024;
  };
  const rows = rowsOf(sizes).filter((row) => row.length === 4 && /^[0-9.]+$/.test(row[3] ?? ''));
  const processes = rows.map(([process = '']) => process);
  expect(processes.sort()).toEqual([
    'admin',
    'alias-expander',
    'dns-resolver',
    'nats',
    'outbound-delivery',
    'queue-manager',
    'smtp-ingress',
  ]);
  for (const [process = '', , peak] of rows)
    expect(requested(process), process).toBeGreaterThan(Number(peak));
  const row = (question: RegExp): number => Number(measured.find(([name = '']) => question.test(name))?.[1]);
  expect(requested('smtp-ingress')).toBeGreaterThan(row(/1,000 idle sessions/));
  expect(requested('queue-manager')).toBeGreaterThan(row(/a million deferred mails: queue-manager/));
});
