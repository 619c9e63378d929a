/**
 * What nats 2.29 does with a publish of a megabyte: it fills fresh memory with zeros and copies it there, to write it together with
 * its few words of protocol. Here it is written from where it stands, in the same system call, and must stay as it is
 * until the server has answered.
 */
import type { Socket } from 'node:net';
import { ProtocolHandler } from 'nats/lib/nats-base-client/protocol.js';

/** Copying less costs no more than another entry of writev(2). */
const largeInOctets = 16 * 1024;

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
    const { outbound, transport } = this;
    outbound.fill(typeof command === 'string' ? Buffer.from(command) : command);
    socket.cork();
    for (const payload of payloads) {
      if (payload.length < largeInOctets) {
        outbound.fill(payload);
        continue;
      }
      transport.send(outbound.drain());
      transport.send(payload);
    }
    if (outbound.size() > 0) transport.send(outbound.drain());
    socket.uncork();
  };
}

const socketOf = ({ transport }: ProtocolHandler): Socket | undefined =>
  (transport as { readonly socket?: Socket }).socket;
