import { expect, test } from 'vitest';
import { times } from './times.js';

test('an owner stops dispatching before its lease can lapse', () => {
  expect(times.leaseTrusted + times.leaseRenewed).toBeLessThan(times.leaseTtl);
  expect(times.leaseRenewed * 3).toBeLessThan(times.leaseTrusted);
});

test('a worker is lost after three missed beats and before the lease of its shard lapses', () => {
  expect(times.workerLost).toBeGreaterThan(3 * times.beat);
  expect(times.workerLost).toBeLessThan(times.leaseTtl);
});

test('a worker that is not heard knows it before it is lost', () => {
  expect(times.workerUnheard).toBeGreaterThan(times.beat + times.beatAnswered);
  expect(times.workerUnheard + times.beatAnswered + times.beatRepeated).toBeLessThan(times.workerLost);
});

test('a worker that only an owner hears who is cut off closes its connections before another may own the shard', () => {
  const unheardAfter = times.workerUnheard + times.beatAnswered + times.beatRepeated;
  expect(times.beatNoted + unheardAfter).toBeLessThan(times.leaseTtl);
  expect(times.beatNoted).toBeGreaterThanOrEqual(2 * times.leaseRenewed);
});

test('a segment is retried over the longest election and several publishes', () => {
  expect(times.segmentGivenUp).toBeGreaterThan(10_000 + times.publishUnknown);
  expect(times.shardSetAside).toBeLessThan(times.publishUnknown);
});

test('a grant outlives the repeated question for it', () => {
  expect(times.grant).toBeGreaterThan(2 * times.ask);
});
