import type { Socket } from 'node:net';

/**
 * Holds back what is written to the socket until all that has come on any socket has been read. A write on a busy machine
 * wakes its peer at once: peers are then woken once for many writes, and not once for each.
 */
export function corkForTurn(socket: Socket): void {
  if (socket.writableCorked > 0) return;
  socket.cork();
  setImmediate(() => socket.uncork());
}
