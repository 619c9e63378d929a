import { manualClock } from '@postrider/actor';
import { describe, expect, it } from 'vitest';
import { Deadlines } from './deadlines.js';

describe('deadlines', () => {
  it('pass in their order, each once, unless they are removed', async () => {
    const clock = manualClock();
    const deadlines = new Deadlines(clock);
    const passed: [string, number][] = [];
    const add = (name: string, delay: number) =>
      deadlines.add(delay, () => void passed.push([name, clock.monotonic()]));
    add('slow', 1000);
    add('quick', 100);
    deadlines.remove(add('removed', 200));
    await clock.advance(5000);
    expect(passed.map(([name]) => name)).toEqual(['quick', 'slow']);
    for (const [[, at], delay] of [
      [passed[0]!, 100],
      [passed[1]!, 1000],
    ] as const) {
      expect(at).toBeGreaterThanOrEqual(delay);
      expect(at).toBeLessThanOrEqual(delay + 25);
    }
  });

  it('need no timer while there are none', async () => {
    const clock = manualClock();
    let timers = 0;
    const deadlines = new Deadlines({
      ...clock,
      after: (delay, act) => {
        timers++;
        return clock.after(delay, act);
      },
    });
    deadlines.remove(deadlines.add(1000, () => undefined));
    await clock.advance(60_000);
    expect(timers).toBe(1);
    deadlines.add(10, () => undefined);
    await clock.advance(60_000);
    expect(timers).toBe(2);
  });
});
