import { manualClock } from '@postrider/actor';
import { memoryBus } from '@postrider/bus';
import { shard as shardProtocol, times, type HeldChannel } from '@postrider/protocol';
import { expect, test } from 'vitest';
import { Heartbeat } from './heartbeat.js';

const channel: HeldChannel = { channel: 'c', ids: [], site: 'dest.test', epoch: 1 };

type Noting = 'noted' | 'not-owner' | 'nothing';

async function start() {
  const clock = manualClock();
  const bus = memoryBus('worker-1', clock);
  const state = { held: [channel], noting: 'noted' as Noting, answersAfter: 0, beats: 0, unheard: 0 };
  const handlers: Record<string, unknown> = {
    beat: async () => {
      state.beats++;
      if (state.answersAfter > 0)
        await new Promise<void>((resolve) => clock.after(state.answersAfter, resolve));
      return state.noting === 'nothing' ? undefined : { result: state.noting };
    },
  };
  const owner = await bus.host(shardProtocol, () => ({ handlers: handlers as never }), { key: '0' });
  const heartbeat = new Heartbeat({
    bus,
    clock,
    held: () => state.held,
    unheard: () => {
      state.unheard++;
    },
  });
  return { state, owner, heartbeat, pass: (time: number) => clock.advance(time) };
}

test('goes on while channels are held, and begins anew with the next', async () => {
  const { state, heartbeat, pass } = await start();
  void heartbeat.begin('0');
  void heartbeat.begin('0');
  await pass(3 * times.beat);
  expect(state.beats).toBe(3);
  state.held = [];
  await pass(3 * times.beat);
  expect(state.beats).toBe(3);
  state.held = [channel];
  void heartbeat.begin('0');
  await pass(times.beat);
  expect(state).toMatchObject({ beats: 4, unheard: 0 });
});

test.each<Noting>(['noted', 'nothing'])('answered with %s it is heard', async (noting) => {
  const { state, heartbeat, pass } = await start();
  state.noting = noting;
  void heartbeat.begin('0');
  await pass(5 * times.workerUnheard);
  expect(state.unheard).toBe(0);
});

test('goes every two seconds, however late it is answered', async () => {
  const { state, heartbeat, pass } = await start();
  state.answersAfter = times.beatAnswered - 100;
  void heartbeat.begin('0');
  await pass(5 * times.beat);
  expect(state).toMatchObject({ beats: 5, unheard: 0 });
});

test('of an owner who is not surely one, or of none, it is not heard, and repeated until it is', async () => {
  const { state, owner, heartbeat, pass } = await start();
  void heartbeat.begin('0');
  await pass(times.beat);
  state.noting = 'not-owner';
  await pass(times.workerUnheard - 100);
  expect(state.unheard).toBe(0);
  await pass(times.workerLost - times.workerUnheard);
  expect(state.unheard).toBeGreaterThan(0);
  state.noting = 'noted';
  await pass(1_000);
  const { unheard } = state;
  await pass(times.workerUnheard);
  expect(state.unheard).toBe(unheard);
  await owner.stop();
  await pass(times.workerLost);
  expect(state.unheard).toBeGreaterThan(unheard);
});

test('ends with the worker', async () => {
  const { state, heartbeat, pass } = await start();
  void heartbeat.begin('0');
  heartbeat.stop();
  await pass(3 * times.beat);
  expect(state.beats).toBe(0);
});
