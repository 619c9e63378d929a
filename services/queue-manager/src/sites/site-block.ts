/** How long a site that can't be reached is left alone: a short back-off of its own, below the mails' schedule. */
import type { QueuePolicy } from '../settings.js';

/** First pause; a schedule with a shorter first retry shortens it. */
const firstPause = 30_000;
const longestPause = 30 * 60_000;

/** @param failures in a row, 1 for the first; @returns milliseconds */
export function blockedFor(failures: number, { retry }: QueuePolicy): number {
  const first = Math.min(firstPause, retry.first);
  return Math.min(first * 2 ** (failures - 1), longestPause, retry.max);
}
