/** The PROXY header that a trusted balancer sends before anything else (HAProxy proxy-protocol.txt §2). */
import type { Socket } from 'node:net';
import { unmappedAddress } from '@postrider/mail';
import { parseProxyHeader } from '@postrider/smtp';

/** It comes with the connection: who takes longer is no balancer. */
const withinMilliseconds = 10_000;

/**
 * The socket is paused then, and what came behind the header is in it again.
 * @param done with the client's address, or undefined where the balancer speaks for itself; not at all for no header
 */
export function readProxyHeader(socket: Socket, done: (address: string | undefined) => void): void {
  let octets: Buffer = Buffer.alloc(0);
  const over = (): void => {
    socket.off('data', read);
    socket.off('timeout', destroy);
    socket.off('end', destroy);
    socket.setTimeout(0);
  };
  const destroy = (): void => {
    over();
    socket.destroy();
  };
  const read = (chunk: Buffer): void => {
    octets = octets.length === 0 ? chunk : Buffer.concat([octets, chunk]);
    const header = parseProxyHeader(octets);
    if (header.result === 'more') return;
    if (header.result === 'bad') {
      destroy();
      return;
    }
    over();
    socket.pause();
    const rest = octets.subarray(header.lengthInOctets);
    if (rest.length > 0) socket.unshift(rest);
    done(header.address === undefined ? undefined : unmappedAddress(header.address));
  };
  socket.setTimeout(withinMilliseconds);
  socket.on('timeout', destroy);
  socket.on('end', destroy);
  socket.on('data', read);
}
