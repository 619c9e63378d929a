import { expect, test } from 'vitest';
import { manualClock } from '@postrider/actor';
import { Admission, type Place } from './admission.js';

const kibi = 1024;

/** Room for four mails, until it is known how large mails are. */
function started() {
  const clock = manualClock();
  const admission = new Admission(clock, 1024 * kibi);
  const places: (Place | undefined)[] = [];
  const enter = (): void => {
    const place = admission.enter();
    if (place instanceof Promise) void place.then((found) => places.push(found));
    else places.push(place);
  };
  return { clock, admission, places, enter };
}

test('as many as there are places for; the others in the order they came', async () => {
  const { clock, admission, places, enter } = started();
  for (let n = 0; n < 7; n++) enter();
  await clock.advance(100);
  expect([places.length, admission.waiting]).toEqual([4, 3]);
  places[1]?.leave(256 * kibi);
  places[1]?.leave(256 * kibi);
  await clock.advance(0);
  expect([places.length, admission.waiting]).toEqual([5, 2]);
});

test('a place is as large as mails have been of late', async () => {
  const { clock, admission, places, enter } = started();
  for (let n = 0; n < 1_000; n++) {
    enter();
    places.pop()?.leave(5 * kibi);
  }
  for (let n = 0; n < 300; n++) enter();
  await clock.advance(0);
  expect(places.length).toBeGreaterThan(50);
  expect(admission.waiting).toBeGreaterThan(0);
});

test('who sends nothing makes room for those who wait; not who sends, nor who waits for us', async () => {
  const { clock, places, enter } = started();
  for (let n = 0; n < 4; n++) enter();
  await clock.advance(60_000);
  enter();
  places[0]?.holdsUp();
  for (let second = 0; second < 4; second++) {
    await clock.advance(1_000);
    places[1]?.heard();
  }
  expect(places).toHaveLength(4);
  await clock.advance(2_000);
  expect(places).toHaveLength(5);
  for (let n = 0; n < 3; n++) enter();
  await clock.advance(1_000);
  // Two were silent, and one of them has made room before.
  expect(places).toHaveLength(6);
  // Their places are counted once.
  for (const place of places.splice(0)) place?.leave(256 * kibi);
  await clock.advance(1_000);
  expect(places).toHaveLength(2);
});

test('who waits in vain hears so, at the end of the process at once', async () => {
  const { clock, admission, places, enter } = started();
  for (let n = 0; n < 300; n++) enter();
  // Each five seconds four silent ones make room.
  await clock.advance(61_000);
  expect(admission.waiting).toBe(0);
  expect(places.filter((place) => place === undefined).length).toBeGreaterThan(200);
  for (let n = 0; n < 6; n++) enter();
  const before = places.length;
  admission.refuseWaiting();
  await clock.advance(0);
  expect(places.slice(before).every((place) => place === undefined)).toBe(true);
});

test('a mail that is larger than all places together is taken when it is alone', () => {
  const clock = manualClock();
  const admission = new Admission(clock, 1);
  expect(admission.enter()).not.toBeInstanceOf(Promise);
  expect(admission.enter()).toBeInstanceOf(Promise);
});
