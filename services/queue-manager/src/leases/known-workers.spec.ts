import { manualClock } from '@postrider/actor';
import { memoryBus } from '@postrider/bus';
import { times } from '@postrider/protocol';
import { expect, test } from 'vitest';
import { turns } from '../rig/rig.js';
import { KnownWorkers } from './known-workers.js';

const workersOf = () => {
  const clock = manualClock();
  const bus = memoryBus('worker-1', clock);
  const workers = new KnownWorkers(bus, clock);
  void workers.follow();
  return { clock, bus, workers };
};
const names = (workers: KnownWorkers) => workers.known()?.map(({ worker }) => worker);

test('are known once each had the time to be heard', async () => {
  const { clock, bus, workers } = workersOf();
  await clock.advance(times.gauge);
  bus.publishStatus('outbound-delivery', {});
  await turns();
  expect([workers.known(), workers.toTell()]).toEqual([undefined, undefined]);
  await clock.advance(500);
  expect(workers.toTell()).toEqual([{ worker: 'worker-1', drains: false, heardAgo: 500 }]);
});

test('are known at once by what another instance tells, and lost when they were heard long ago', async () => {
  const { clock, bus, workers } = workersOf();
  workers.told([
    { worker: 'worker-1', drains: false, heardAgo: 900 },
    { worker: 'worker-2', drains: true, heardAgo: times.workerLost - 100 },
  ]);
  expect(workers.known()).toMatchObject([
    { worker: 'worker-1', drains: false },
    { worker: 'worker-2', drains: true },
  ]);
  bus.publishStatus('outbound-delivery', {});
  await turns();
  await clock.advance(200);
  expect(names(workers)).toEqual(['worker-1']);
  // What was heard here is newer than what another heard.
  workers.told([{ worker: 'worker-1', drains: true, heardAgo: 5_000 }]);
  expect(workers.known()).toMatchObject([{ worker: 'worker-1', drains: false }]);
});
