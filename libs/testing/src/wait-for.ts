/** Waiting in tests: for something to become true, never for a time to pass. */
import { setTimeout as pause } from 'node:timers/promises';

/** Short enough that a test hardly waits, long enough that a slow condition doesn't fill a core. */
const betweenLooks = 10;

/**
 * Asks again until the condition gives something truthy, and gives that.
 * @param timeout milliseconds
 * @param what completes the sentence 'waited 5 s in vain for ...'; a function is asked when it is too late
 * @throws Error when the time is over, with the condition's last fault as its cause
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  timeout: number,
  what: string | (() => string),
): Promise<T> {
  const end = performance.now() + timeout;
  let fault: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (Boolean(value)) return value;
      fault = undefined;
    } catch (error) {
      fault = error;
    }
    if (performance.now() >= end) {
      const text = typeof what === 'string' ? what : what();
      throw new Error(`waited ${timeout / 1000} s in vain for ${text}`, { cause: fault });
    }
    await pause(betweenLooks);
  }
}
