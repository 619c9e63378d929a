import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { diskRoomOf, reserveInOctets } from './disk-room.js';

const mebibyte = 1024 * 1024;

test.each([
  [100, 25],
  [256, 64],
  [1_000, 64],
  [10_000, 500],
  [1_000_000, 1024],
])('of %i MiB, %i stay free', (disk, expected) => {
  expect(reserveInOctets(disk * mebibyte)).toBe(expected * mebibyte);
});

test('a folder that is not there leaves what is known', async () => {
  const room = diskRoomOf(`${tmpdir()}/not-there-at-all`);
  await room.look();
  expect(room.low).toBe(false);
});
