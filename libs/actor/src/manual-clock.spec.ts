import { describe, expect, it } from 'vitest';
import { manualClock } from './manual-clock.js';

describe('a manual clock', () => {
  it('stands still until it is told to go on', async () => {
    const clock = manualClock(1_000_000);
    expect([clock.now(), clock.monotonic()]).toEqual([1_000_000, 0]);
    await clock.advance(250);
    expect([clock.now(), clock.monotonic()]).toEqual([1_000_250, 250]);
  });

  it('lets what is due happen in its order, at its time', async () => {
    const clock = manualClock(0);
    const happened: [string, number][] = [];
    const note = (what: string) => () => void happened.push([what, clock.monotonic()]);
    clock.after(200, note('second'));
    clock.after(100, note('first'));
    clock.after(200, note('third'));
    clock.after(301, note('never'));
    const cancelled = clock.after(150, note('cancelled'));
    cancelled.cancel();
    await clock.advance(300);
    expect(happened).toEqual([
      ['first', 100],
      ['second', 200],
      ['third', 200],
    ]);
  });

  it('lets a chain of timers run within one advance', async () => {
    const clock = manualClock();
    let ticks = 0;
    const tick = (): void => {
      ticks++;
      clock.after(10, tick);
    };
    clock.after(10, tick);
    await clock.advance(100);
    expect(ticks).toBe(10);
  });
});
