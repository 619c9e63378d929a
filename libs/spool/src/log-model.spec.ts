import fc from 'fast-check';
import { expect, test } from 'vitest';
import { manualClock, systemClock } from '@postrider/actor';
import { setTimeout as pause } from 'node:timers/promises';
import { MemoryLog, MemoryStore } from './memory.js';
import { jetStreamBackend } from './spec/backends.js';
import { LogModel, type Action, type Attempt } from './spec/log-model.js';
import type { Script } from './spec/scripted-log.js';

const pick = fc.nat(50);
const recipients = fc.integer({ min: 1, max: 7 });
const script = fc.constantFrom<Script[]>('lost', 'late', 'dropped', 'away', 'silent', 'dies', 'dies stored');
const after = fc.nat(4);

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      act: fc.constant('commit' as const),
      recipients: fc.integer({ min: 1, max: 3 }),
      octets: fc.nat(300),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ act: fc.constant('read' as const), mails: fc.integer({ min: 1, max: 5 }) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      act: fc.constantFrom<Attempt[]>('deliver', 'bounce', 'defer', 'defer', 'record deferred', 'hold'),
      pick,
      recipients,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      act: fc.constant('yesterday' as const),
      attempt: fc.constantFrom<Attempt[]>('deliver', 'bounce', 'defer', 'record deferred'),
      pick,
      recipients,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      act: fc.constantFrom('owner meets' as const, 'writer meets' as const),
      after,
      script,
    }),
  },
  { weight: 1, arbitrary: fc.constant<Action>({ act: 'land' }) },
  { weight: 2, arbitrary: fc.constant<Action>({ act: 'take over' }) },
  { weight: 1, arbitrary: fc.constant<Action>({ act: 'keep house' }) },
);

test('whatever happens: nothing is lost, the first final record wins, and copies only come of what was not durable', async () => {
  let copies = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { minLength: 5, maxLength: 120, size: 'max' }),
      fc.nat(4),
      async (actions, latency) => {
        const clock = manualClock();
        const log = new MemoryLog(new MemoryStore(), 1e9, clock);
        await log.prepare(['m']);
        const pass = async (time: number): Promise<void> => {
          await clock.advance(0);
          await clock.advance(time);
        };
        const model = new LogModel({ log, clock, shard: 'm', pass, latency });
        await model.run(actions);
        await model.finish();
        copies += model.copies.excused;
      },
    ),
    { numRuns: 150 },
  );
  // The model does meet what it is about.
  expect(copies).toBeGreaterThan(0);
}, 60_000);

test('the same over JetStream', async () => {
  const backend = jetStreamBackend();
  await backend.start();
  const log = await backend.log();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 20, maxLength: 30, size: 'max' }), async (actions) => {
      const shard = `m${run++}`;
      await log.prepare([shard]);
      // Real time passes: housekeeping's five seconds are too many to wait for.
      const pass = (time: number): Promise<void> => pause(Math.min(time, 50));
      const model = new LogModel({ log, clock: systemClock, shard, pass, latency: 0 });
      await model.run(actions);
      await model.finish();
    }),
    { numRuns: 2 },
  );
  await log.close();
  await backend.stop();
}, 60_000);
