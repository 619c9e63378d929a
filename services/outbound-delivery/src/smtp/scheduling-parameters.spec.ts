import type { Scheduling } from '@postrider/mail';
import { parseExtensions } from '@postrider/smtp';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dropsDeliverBy, notInTime, schedulingOffer, schedulingParameters } from './scheduling-parameters.js';

const offerOf = (...lines: readonly string[]) => schedulingOffer(parseExtensions(['hop.test', ...lines]));
const hop = (...lines: readonly string[]) => ({ host: 'hop.test', lmtp: false, ...offerOf(...lines) });
const inTime = (mode: 'R' | 'N', trace = false): Scheduling => ({
  deliverBy: { at: 100_900, mode, trace },
});

test.each([
  ['DELIVERBY', 0],
  ['DELIVERBY 240', 240],
  ['DELIVERBY 30,more', 30],
  ['DELIVERBY ,more', 0],
  ['SIZE', undefined],
])('%s: %s', (line, deliverBy) => {
  expect(offerOf(line)).toEqual({ deliverBy, priority: false });
});

test.each<[Scheduling | undefined, readonly string[], string]>([
  [undefined, ['DELIVERBY', 'MT-PRIORITY'], ''],
  [inTime('R'), ['DELIVERBY'], ' BY=100;R'],
  [inTime('N', true), ['DELIVERBY'], ' BY=100;NT'],
  [inTime('N'), [], ''],
  [{ priority: -3 }, ['MT-PRIORITY MIXER'], ' MT-PRIORITY=-3'],
  [{ priority: 5 }, [], ''],
  [{ ...inTime('R'), priority: 5 }, ['MT-PRIORITY', 'DELIVERBY 10'], ' BY=100;R MT-PRIORITY=5'],
])('%j at %j: %s', (scheduling, lines, expected) => {
  expect(schedulingParameters(scheduling, hop(...lines), 0)).toBe(expected);
});

test('a time that is over is passed on as such', () => {
  expect(schedulingParameters(inTime('N'), hop('DELIVERBY'), 160_000)).toBe(' BY=-60;N');
});

test.each<[Scheduling | undefined, readonly string[], number, string | undefined]>([
  [undefined, [], 0, undefined],
  [inTime('N'), [], 0, undefined],
  [inTime('R'), ['DELIVERBY 100'], 0, undefined],
  [inTime('R'), ['DELIVERBY 101'], 0, '5.4.7'],
  [inTime('R'), ['DELIVERBY'], 100_900, '5.4.7'],
  [inTime('R'), [], 0, '5.3.3'],
])('%j at %j after %i ms: %s', (scheduling, lines, now, status) => {
  expect(notInTime(scheduling, hop(...lines), now)?.diagnostic.status).toBe(status);
  if (status === '5.3.3') expect(notInTime(scheduling, { ...hop(), lmtp: true }, now)).toBeUndefined();
});

test.each<[Scheduling | undefined, readonly string[], number, boolean]>([
  [undefined, [], 0, false],
  [inTime('N'), [], 0, true],
  [inTime('N'), [], 100_900, false],
  [inTime('N', true), ['DELIVERBY'], 0, false],
  [inTime('R'), [], 0, false],
])('%j at %j after %i ms: its time is lost: %s', (scheduling, lines, now, expected) => {
  expect(dropsDeliverBy(scheduling, hop(...lines), now)).toBe(expected);
  expect(dropsDeliverBy(scheduling, { ...hop(...lines), lmtp: true }, now)).toBe(false);
});

test('whatever a server says of DELIVERBY is a number', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect(schedulingOffer(new Map([['DELIVERBY', text]])).deliverBy).toBeGreaterThanOrEqual(0);
    }),
  );
});
