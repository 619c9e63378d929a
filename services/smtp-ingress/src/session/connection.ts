/** A socket for a session: reads, writes, and the time that a client may be silent. */
import type { Socket } from 'node:net';
import type { SessionFacts } from '../verbs/verb.js';
import { Session, type SessionOutput } from './session.js';

/** After our last word: time for the client to read it and close. */
const lingerInMilliseconds = 10_000;

export interface ConnectionWatcher {
  /** The last word has been sent, or there is nobody to hear it. Once or twice. */
  sessionOver(session: Session): void;
  /** The connection is gone. */
  disconnected(): void;
}

/** @returns undefined when the client has left already */
export function serveConnection(
  socket: Socket,
  facts: Omit<SessionFacts, 'address'>,
  watcher: ConnectionWatcher,
): Session | undefined {
  const address = addressOf(socket);
  // Its end comes as 'close'.
  socket.on('error', () => undefined);
  if (address === undefined) {
    socket.destroy();
    return undefined;
  }
  const session = new Session({ ...facts, address }, outputOf(socket));
  // One timer for all sockets with the same time, moved on by each read and write.
  socket.setTimeout(facts.limits.command_timeout);
  socket.on('timeout', () => (socket.writableEnded ? socket.destroy() : session.idle()));
  socket.on('data', (chunk) => session.receive(chunk));
  socket.on('drain', () => session.drained());
  socket.on('end', () => session.inputEnded());
  socket.on('finish', () => watcher.sessionOver(session));
  socket.on('close', () => {
    session.disconnected();
    watcher.sessionOver(session);
    watcher.disconnected();
  });
  session.begin();
  return session;
}

function outputOf(socket: Socket): SessionOutput {
  return {
    write: (text) => !socket.writable || socket.write(text, 'latin1'),
    end: () => {
      // What the client still sends is read and forgotten: a reset would take our last reply from it.
      socket.setTimeout(lingerInMilliseconds);
      socket.resume();
      socket.end();
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
  };
}

const mappedIpv4 = '::ffff:';

/** IPv4 as IPv4, also when it came to an IPv6 socket. */
function addressOf({ remoteAddress }: Socket): string | undefined {
  return remoteAddress?.startsWith(mappedIpv4) && remoteAddress.includes('.')
    ? remoteAddress.slice(mappedIpv4.length)
    : remoteAddress;
}
