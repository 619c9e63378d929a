/**
 * What nats 2.29 does with a publish of a megabyte: it fills fresh memory with zeros and copies it there, to write it together
 * with its few words of protocol. Here it is written from where it stands, over TCP in the same system call. It must
 * not change until the server has answered what was asked, or the connection has ended; where nobody answers, never.
 */
import type { Socket } from 'node:net';
import { ProtocolHandler } from 'nats/lib/nats-base-client/protocol.js';

/** Copying less costs no more than another entry of writev(2). */
const largeInOctets = 16 * 1024;

/** Once a process: client-library.ts sees to it. */
export function mendLargePublishes(): void {
  const handler = ProtocolHandler.prototype;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- it is called with the handler that it is asked of
  const { sendCommand } = handler;
  handler.sendCommand = function (this: ProtocolHandler, command, ...payloads): void {
    const socket = this.connected && this.infoReceived ? socketOf(this) : undefined;
    if (!socket || !payloads.some(({ length }) => length >= largeInOctets)) {
      sendCommand.call(this, command, ...payloads);
      return;
    }
    socket.cork();
    try {
      sendInOrder(this, [typeof command === 'string' ? Buffer.from(command) : command, ...payloads]);
    } finally {
      socket.uncork();
    }
  };
}

/** Behind what waits to go out already. */
function sendInOrder({ outbound, transport }: ProtocolHandler, parts: readonly Uint8Array[]): void {
  for (const part of parts) {
    if (part.length < largeInOctets) outbound.fill(part);
    else {
      transport.send(outbound.drain());
      transport.send(part);
    }
  }
  if (outbound.size() > 0) transport.send(outbound.drain());
}

const socketOf = ({ transport }: ProtocolHandler): Socket | undefined =>
  (transport as { readonly socket?: Socket }).socket;
