import { expect, test } from 'vitest';
import { natsAwayAtMost, ProcessState } from './readiness.js';

test('ready once NATS answered and all has started, through a blip, not through an outage, not in a drain', () => {
  let now = 0;
  const state = new ProcessState(() => now);
  expect(state.readiness()).toEqual({ ready: false, reason: 'not connected to NATS yet' });
  state.natsConnected(true);
  expect(state.readiness().ready).toBe(false);
  state.started();
  expect(state.readiness()).toEqual({ ready: true });
  now = 1_000;
  state.natsConnected(false);
  now += natsAwayAtMost;
  expect(state.readiness()).toEqual({ ready: true });
  now += 1;
  expect(state.readiness()).toEqual({ ready: false, reason: 'without NATS for 30 s' });
  expect(state.natsAwayForInMilliseconds()).toBe(natsAwayAtMost + 1);
  state.natsConnected(true);
  expect(state.readiness()).toEqual({ ready: true });
  state.draining();
  expect(state.readiness()).toEqual({ ready: false, reason: 'draining' });
});
