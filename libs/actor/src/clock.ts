/**
 * Time as a dependency: actors and pure functions take a clock, so that tests need not wait.
 */
export type Milliseconds = number;

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since the epoch; may jump. For what people read and for schedules over days. */
  now(): Milliseconds;
  /** Milliseconds that never go back. For leases, deadlines and durations. */
  monotonic(): Milliseconds;
  /** Calls `act` once, after at least `delay`. Does not keep the process alive. */
  after(delay: Milliseconds, act: () => void): Timer;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delay, act) {
    const timer = setTimeout(act, delay);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};
