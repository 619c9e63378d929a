import { manualClock } from '@postrider/actor';
import { memorySpool } from '@postrider/spool';
import { expect, test } from 'vitest';
import { silent, turns } from '../rig/rig.js';
import { LeaderSpread } from './leader-spread.js';

type Found = Awaited<ReturnType<ReturnType<typeof memorySpool>['spreadLeaders']>>;

/** How often it looked within each of the times, in milliseconds, when it finds that each time. */
async function looks(found: Found, times: readonly number[]): Promise<readonly number[]> {
  const clock = manualClock();
  let looked = 0;
  const spreadLeaders = (): Promise<Found> => {
    looked++;
    return Promise.resolve(found);
  };
  const context = { clock, log: silent, spool: { ...memorySpool({ clock }), spreadLeaders } };
  const spread = new LeaderSpread({ context, ours: () => true });
  const counts: number[] = [];
  for (const time of times) {
    const before = looked;
    for (let left = time; left > 0; left -= 1_000) {
      await clock.advance(1_000);
      await turns(2);
    }
    counts.push(looked - before);
  }
  spread.end();
  return counts;
}

test('leaders that are even are looked at now and then', async () => {
  expect(await looks(undefined, [14_000, 2_000, 30_000])).toEqual([0, 1, 2]);
});

test('after a move the next comes soon', async () => {
  expect(await looks({ stream: 'SPOOL-0', to: 'n2' }, [15_000, 10_000])).toEqual([1, 5]);
});

test('a copy that lags may only be busy: it is looked at again soon, but not for ever', async () => {
  expect(await looks('lags', [15_000, 8_000, 14_000, 9_000])).toEqual([1, 4, 0, 5]);
});
