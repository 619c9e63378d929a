import { manualClock } from '@postrider/actor';
import { times, type ChannelEnd, type Job, type RecipientOutcome } from '@postrider/protocol';
import { expect, it } from 'vitest';
import { jobOf, shown } from '../job.fixture.js';
import { discard, LocalDelivery, type Deliver } from './local-delivery.js';

const delivered: readonly RecipientOutcome[] = [
  { recipients: [0], outcome: 'delivered', diagnostic: { status: '2.0.0', text: 'done' } },
];

function begin(deliver: Deliver, jobs: readonly Job[] = []) {
  const clock = manualClock();
  const queue = [...jobs];
  const results = new Map<string, readonly string[]>();
  const delivery = new LocalDelivery(deliver, clock);
  const end = delivery.run({
    take: () => queue.shift(),
    get waiting() {
      return queue.length;
    },
    done: ({ id }, outcomes) => results.set(id, shown(outcomes)),
    encrypted: () => undefined,
  });
  return { clock, queue, results, delivery, end };
}

/** Undefined while it goes on. */
const sofar = (end: Promise<ChannelEnd>): Promise<ChannelEnd | undefined> =>
  Promise.race([end, new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined)))]);

it('discards at once', async () => {
  const { results, delivery, end } = begin(discard, [jobOf('a', { to: ['x@a.test', 'y@a.test'] })]);
  expect(results.get('a')).toEqual(['0,1 delivered 2.0.0 discarded by route']);
  delivery.finish();
  expect(await end).toEqual({ reason: 'closed' });
});

it('delivers several at once, and no more than that', async () => {
  const waiting: (() => void)[] = [];
  const slow: Deliver = () => new Promise((resolve) => waiting.push(() => resolve(delivered)));
  const { results, delivery, queue, end } = begin(
    slow,
    Array.from({ length: 20 }, (_, n) => jobOf(String(n))),
  );
  expect(waiting).toHaveLength(16);
  delivery.finish();
  while (results.size < 20) {
    for (const finish of waiting.splice(0)) finish();
    await sofar(end);
  }
  expect(queue).toEqual([]);
  expect(await end).toEqual({ reason: 'closed' });
});

it('ends when it has been idle', async () => {
  const { clock, queue, delivery, results, end } = begin(discard);
  await clock.advance(times.channelIdle - 1_000);
  queue.push(jobOf('a'));
  delivery.offered();
  expect(results.size).toBe(1);
  await clock.advance(times.channelIdle - 1_000);
  expect(await sofar(end)).toBeUndefined();
  await clock.advance(2_000);
  expect(await end).toEqual({ reason: 'idle' });
});

it('gives back what is under way when there is no more time', async () => {
  const { results, delivery, end } = begin(() => new Promise(() => undefined), [jobOf('a')]);
  expect(delivery.state).toBe('busy');
  delivery.abandon();
  expect(results.get('a')).toEqual(['0 untried 4.3.2 the delivery worker was stopped']);
  expect(await end).toEqual({ reason: 'closed' });
});
