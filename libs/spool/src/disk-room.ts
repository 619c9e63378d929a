/**
 * Free room of the disk under our own server (DESIGN §3 'Room'): new mail stops before the disk is full, because after a
 * write that failed for want of room the server takes nothing more, not even outcomes.
 */
import { statfs } from 'node:fs/promises';
import { takesWrites } from '@postrider/nats-server';

/** New mail hears 452 while the disk is low. */
export interface DiskRoom {
  /** As last looked at. */
  readonly low: boolean;
  /** Looks again, and never rejects. */
  look(): Promise<void>;
  /** Looks again, by a write: for when the server is silent. A quota shows in no other way. Never rejects. */
  prove(): Promise<void>;
}

const mebibyte = 1024 * 1024;
const reserve = { share: 0.05, least: 64 * mebibyte, most: 1024 * mebibyte, mostOfSmallDisk: 0.25 } as const;

/** What must stay free, octets: for outcomes, moves, DSNs and what the server itself writes. */
export function reserveInOctets(diskInOctets: number): number {
  const least = Math.min(reserve.least, diskInOctets * reserve.mostOfSmallDisk);
  return Math.floor(Math.min(Math.max(diskInOctets * reserve.share, least), reserve.most));
}

/** @param folder on the disk that the server writes to */
export function diskRoomOf(folder: string): DiskRoom {
  /** The last write found no room: until one does, free blocks prove nothing. */
  let refused = false;
  const room = {
    low: false,
    async look() {
      if (refused) refused = !(await takesWrites(folder));
      try {
        const { bavail, blocks, bsize } = await statfs(folder);
        room.low = refused || bavail * bsize < reserveInOctets(blocks * bsize);
      } catch {
        // It can't be asked now: what is known stays.
      }
    },
    async prove() {
      refused = true;
      await room.look();
    },
  };
  return room;
}

/** A server elsewhere: its disk is not ours to look at, and its limits speak for it. */
export const anyRoom: DiskRoom = {
  low: false,
  look: () => Promise.resolve(),
  prove: () => Promise.resolve(),
};
