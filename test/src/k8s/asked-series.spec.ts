import { expect, test } from 'vitest';
import { isOn, seriesIn } from './asked-series.js';

test.each([
  ['max(postrider_a) > 300', [['postrider_a', {}, []]]],
  [
    'sum by (le, reason) (rate(postrider_b_bucket{result="hits", namespace="x"}[5m])) / sum(postrider_c)',
    [
      ['postrider_b_bucket', { result: 'hits' }, ['le', 'reason']],
      ['postrider_c', {}, ['le', 'reason']],
    ],
  ],
])('%s', (expression, expected) => {
  expect(seriesIn(expression).map(({ name, labels, groupedBy }) => [name, labels, groupedBy])).toEqual(
    expected,
  );
});

test.each([
  ['postrider_a{service="x",shard="0"} 1', true],
  ['postrider_a{shard="0"} 1', true],
  ['postrider_a{service="shard"} 1', false],
  ['postrider_a_total{shard="0"} 1', false],
])('%s', (page, found) => {
  expect(isOn(page, seriesIn('sum by (shard) (postrider_a)')[0]!)).toBe(found);
});
