/**
 * What nats 2.29 leaves behind when a server takes connections and says nothing (it stands still; its host was
 * paused). A dial that is given up keeps its socket. When the server wakes and ends it, the library takes that for the end
 * of its connection and dials another beside the good one, with all subscriptions: each message is then heard twice
 * or more. And a connection that is left waits until all that it had to say is written, which a server that stands
 * still never takes.
 */
import type { Socket } from 'node:net';
import { NodeTransport } from 'nats/lib/src/node_transport.js';

/** For what is still to be written on a connection that is left, milliseconds. */
const lastWordsWithin = 1_000;

const givenUp = new WeakSet<NodeTransport>();

/** Once a process: client-library.ts sees to it. */
export function mendGivenUpDials(): void {
  const transport = NodeTransport.prototype;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- both are called with the transport that they are asked of
  const { dial, disconnect } = transport;

  /** A dial that took too long, or the connection's end: nobody has to be told. */
  transport.close = function (this: NodeTransport): Promise<void> {
    givenUp.add(this);
    this.done = true;
    socketOf(this)?.destroy();
    return Promise.resolve();
  };

  /** A connection that comes about after its dial was given up ends at once. */
  transport.dial = async function (this: NodeTransport, where): Promise<Socket> {
    const socket = await dial.call(this, where);
    if (!givenUp.has(this)) return socket;
    socket.destroy();
    throw new Error(`the dial to ${where.hostname}:${where.port} was given up`);
  };

  transport.disconnect = function (this: NodeTransport): void {
    disconnect.call(this);
    setTimeout(() => socketOf(this)?.destroy(), lastWordsWithin).unref();
  };
}

/** There is none before its dial has come about, nor after its end. */
const socketOf = (transport: NodeTransport): Socket | undefined => transport.socket;
