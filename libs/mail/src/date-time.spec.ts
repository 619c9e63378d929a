import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dateTime } from './date-time.js';

test.each([
  [0, undefined, 'Thu, 1 Jan 1970 00:00:00 +0000'],
  [0, 120, 'Thu, 1 Jan 1970 02:00:00 +0200'],
  [0, -210, 'Wed, 31 Dec 1969 20:30:00 -0330'],
])('%i at offset %s', (at, offset, text) => expect(dateTime(at, offset)).toBe(text));

test('it is the same second in every zone', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 4_000_000_000 }),
      fc.integer({ min: -720, max: 840 }),
      (seconds, offset) => {
        expect(Date.parse(dateTime(seconds * 1000, offset))).toBe(seconds * 1000);
      },
    ),
  );
});
