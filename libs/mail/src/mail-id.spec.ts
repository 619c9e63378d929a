import fc from 'fast-check';
import { expect, test } from 'vitest';
import { derivedMailId, isMailId, mailIdSource, timeOfMailId } from './mail-id.js';

const seed = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

test('ids are 18 digits and consonants, sort by time, and tell it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4e12 }), fc.integer({ min: 1, max: 1e10 }), (time, later) => {
      let now = time;
      const next = mailIdSource(() => now, seed);
      const first = next();
      now += later;
      const second = next();
      expect(isMailId(first)).toBe(true);
      expect(first).toHaveLength(18);
      expect(timeOfMailId(first)).toBe(time);
      expect(first < second).toBe(true);
    }),
  );
});

test('a process makes no id twice, and another process makes others', () => {
  const [one, other] = [
    mailIdSource(() => 0, seed),
    mailIdSource(() => 0, Uint8Array.of(8, 7, 6, 5, 4, 3, 2, 1)),
  ];
  const ids = Array.from({ length: 5000 }, () => [one(), other()]).flat();
  expect(new Set(ids).size).toBe(ids.length);
});

test('an id derived from its cause is the same each time', () => {
  expect(derivedMailId(1_700_000_000_000, seed)).toBe(derivedMailId(1_700_000_000_000, seed));
});

test.each([
  ['0123456789bcdfghjk', true],
  ['0123456789bcdfghjk-2', true],
  ['0123456789bcdfghja', false],
  ['0123456789bcdfghj', false],
  ['0123456789BCDFGHJK', false],
  ['', false],
])('%j: %s', (id, valid) => {
  expect(isMailId(id)).toBe(valid);
});
