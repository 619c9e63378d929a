/** A clock that stands still until it is told to go on: for tests of anything that waits. */
import type { Clock, Milliseconds } from './clock.js';

export interface ManualClock extends Clock {
  /** Lets that much time pass, and what is due happen in its order; promises settle in between. */
  advance(by: Milliseconds): Promise<void>;
}

/** @param start milliseconds since the epoch */
export function manualClock(start: Milliseconds = Date.UTC(2026, 0, 1)): ManualClock {
  let time = 0;
  let due: { readonly at: number; readonly act: () => void }[] = [];
  return {
    now: () => start + time,
    monotonic: () => time,
    after(delay, act) {
      const entry = { at: time + delay, act };
      due.push(entry);
      return { cancel: () => (due = due.filter((other) => other !== entry)) };
    },
    async advance(by) {
      const end = time + by;
      for (let next = earliest(due, end); next; next = earliest(due, end)) {
        const entry = next;
        due = due.filter((other) => other !== entry);
        time = Math.max(time, entry.at);
        entry.act();
        await settle();
      }
      time = end;
      await settle();
    },
  };
}

function earliest<T extends { readonly at: number }>(entries: readonly T[], end: number): T | undefined {
  return entries.reduce<T | undefined>(
    (first, entry) => (entry.at <= end && (!first || entry.at < first.at) ? entry : first),
    undefined,
  );
}

/** Enough turns for chains of promises; nothing real is waited for. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
