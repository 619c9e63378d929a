import { expect, test } from 'vitest';
import { expiresAt, retryPause, unknownPause, wasWarned } from './schedule.js';

const minute = 60_000;
const policy = {
  retry: { first: 5 * minute, max: 240 * minute },
  expire: 5 * 24 * 60 * minute,
  expire_bounces: 24 * 60 * minute,
  warn: 240 * minute,
};

test.each([
  [1, 5],
  [2, 10],
  [3, 20],
  [6, 160],
  [7, 240],
  [80, 240],
])('after %i attempts the pause is about %i minutes', (attempts, minutes) => {
  for (const id of ['a', 'b', 'c', 'd']) {
    const pause = retryPause(attempts, id, policy);
    expect(pause).toBeGreaterThanOrEqual(0.9 * minutes * minute);
    expect(pause).toBeLessThanOrEqual(1.1 * minutes * minute);
    expect(retryPause(attempts, id, policy)).toBe(pause);
  }
});

test('two mails do not come back together', () => {
  expect(retryPause(1, 'a', policy)).not.toBe(retryPause(1, 'b', policy));
});

test('an unknown outcome is tried again soon, and later the second time', () => {
  expect([1, 2, 3].map(unknownPause)).toEqual([5_000, 60_000, 60_000]);
});

test('bounces expire earlier', () => {
  expect(expiresAt({ acceptedAt: 0, bounce: false }, policy)).toBe(policy.expire);
  expect(expiresAt({ acceptedAt: 0, bounce: true }, policy)).toBe(policy.expire_bounces);
});

test.each([
  ['before the warning is due', 3, 239, false],
  ['at the deferral that warned', 6, 241, true],
  ['never tried', 0, 300, false],
])('warned already: %s', (_, attempts, lastAt, expected) => {
  const mail = { id: 'x', acceptedAt: 0 };
  const until = lastAt * minute + retryPause(Math.max(attempts, 1), 'x', policy);
  expect(wasWarned(mail, { attempts, until }, policy)).toBe(expected);
});
