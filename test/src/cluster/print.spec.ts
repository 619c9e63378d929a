import { expect, test } from 'vitest';
import { faultsOf } from './print.js';
import type { ClusterRow, Report } from './run.js';

const row: ClusterRow = {
  name: 'an event',
  accepted: 900,
  delivered: 900,
  lost: 0,
  twice: 0,
  lostMarkers: [],
  twiceMarkers: [],
  unknown: 0,
  temporaries: 0,
  longestWaitInSeconds: 1,
  secondsUntilMailFlows: 1,
  takeoverInSeconds: undefined,
  ownedWithin: Infinity,
  stillInSeconds: 3,
  slowestMailInSeconds: 4,
  mostChannels: 6,
  channelsAtMost: 6,
};
const report: Report = {
  rows: [],
  verdict: { broken: [], untold: 0 },
  waiting: [],
  violations: [],
  skipped: [],
};

test.each<[string, Partial<ClusterRow>, readonly string[]]>([
  ['all is well', {}, []],
  ['lost', { lost: 2 }, ['2 lost: an event']],
  ['a site over its limit', { mostChannels: 7 }, ['7 connections to a site at once: an event']],
  ['more twice than can be in flight', { twice: 385 }, ['385 twice: an event']],
  ['in flight', { twice: 384 }, []],
  ['taken over in time', { takeoverInSeconds: 14, ownedWithin: 15 }, []],
  [
    'taken over late',
    { takeoverInSeconds: 5.5, ownedWithin: 5 },
    ['a shard without owner for 5.5 s: an event'],
  ],
])('%s', (_, changed, faults) => {
  expect(faultsOf({ ...report, rows: [{ ...row, ...changed }] })).toEqual(faults);
});

test('what the history breaks, what has no end, and what is against the protocol', () => {
  const broken = { broken: ['m1 got 250 and never came'], untold: 3 };
  const faults = faultsOf({
    ...report,
    verdict: broken,
    waiting: ['shard 0: 1 active'],
    violations: ['DATA first'],
  });
  expect(faults).toEqual([
    'm1 got 250 and never came',
    'without a final state: shard 0: 1 active',
    'against RFC 5321: DATA first',
  ]);
});
