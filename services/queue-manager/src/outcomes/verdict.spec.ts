import { expect, test } from 'vitest';
import { retryPause } from './schedule.js';
import { judge, type Attempt, type Verdict } from './verdict.js';

const policy = {
  retry: { first: 1_000, max: 10_000 },
  expire: 100_000,
  expire_bounces: 50_000,
  warn: 20_000,
};
const mail = { id: 'm', acceptedAt: 0, bounce: false };
const said = { status: '4.2.1', text: '450 later', remoteMta: 'hop.test' };
const attempt = (facts: Partial<Attempt>): Attempt => ({
  outcome: 'temporary',
  diagnostic: said,
  attempt: 1,
  unknowns: 0,
  notBefore: 0,
  ...facts,
});
const pause = (attempts: number): number => retryPause(attempts, 'm', policy);

test.each<[string, Partial<Attempt>, number, Partial<Verdict>]>([
  ['delivered', { outcome: 'delivered' }, 0, { verdict: 'final', kind: 'delivered' }],
  ['relayed', { outcome: 'relayed' }, 0, { verdict: 'final', kind: 'relayed' }],
  ['permanent', { outcome: 'permanent' }, 0, { verdict: 'final', kind: 'failed', expired: false }],
  ['temporary', {}, 500, { verdict: 'later', kind: 'deferred', until: 500 + pause(1) }],
  ['third time', { attempt: 3 }, 500, { verdict: 'later', kind: 'deferred', until: 500 + pause(3) }],
  [
    'site left alone for longer',
    { notBefore: 9_000 },
    500,
    { verdict: 'later', kind: 'deferred', until: 9_000 },
  ],
  ['no pause beyond the end', { attempt: 9 }, 99_000, { verdict: 'later', kind: 'deferred', until: 100_000 }],
  ['expired', {}, 100_000, { verdict: 'final', kind: 'failed', expired: true }],
  ['unknown', { outcome: 'unknown' }, 0, { verdict: 'later', kind: 'unknown', until: 5_000 }],
  [
    'unknown again',
    { outcome: 'unknown', unknowns: 1 },
    0,
    { verdict: 'later', kind: 'unknown', until: 60_000 },
  ],
  ['unknown three times', { outcome: 'unknown', unknowns: 2 }, 0, { verdict: 'hold' }],
])('%s', (_, facts, now, expected) => {
  expect(judge(mail, attempt(facts), policy, now)).toMatchObject(expected);
});

test('expiry keeps the last reason readable', () => {
  const verdict = judge(mail, attempt({}), policy, 100_000);
  expect(verdict).toMatchObject({
    diagnostic: { status: '4.4.7', text: 'delivery time expired; last: 450 later', remoteMta: 'hop.test' },
  });
});

test('a bounce expires by its own time', () => {
  expect(judge({ ...mail, bounce: true }, attempt({}), policy, 50_000)).toMatchObject({
    verdict: 'final',
    expired: true,
  });
});
