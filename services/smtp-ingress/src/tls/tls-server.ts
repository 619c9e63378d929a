/**
 * TLS for the connections of one listener, at once or after STARTTLS. A `tls.Server` that listens nowhere is given
 * sockets, as its documentation allows; what it makes of them is matched by the connection's addresses.
 */
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import type { Certificates } from './certificates.js';

/** What is known of a session's encryption. */
export interface TlsFacts {
  /** `TLSv1.3` */
  readonly protocol: string;
  /** Registered name of the cipher suite. */
  readonly cipher: string;
  /** Data that both ends of this TLS connection know and nobody else; undefined where the type is not to be used. */
  binding(type: ChannelBinding): Buffer | undefined;
}

export type ChannelBinding = 'tls-exporter' | 'tls-unique';

/** A client that takes longer is gone. */
const handshakeInMilliseconds = 60_000;
const exporterInOctets = 32;

export class TlsServer {
  readonly #server: Server;
  readonly #certificates: Certificates;
  readonly #waiting = new Map<string, (secured: TLSSocket) => void>();

  constructor(certificates: Certificates) {
    this.#certificates = certificates;
    this.#server = createServer({
      ...certificates.first,
      SNICallback: (name, done) => done(null, certificates.contextFor(name)),
      handshakeTimeout: handshakeInMilliseconds,
    });
    certificates.changed = (first) => this.#server.setSecureContext(first);
    this.#server.on('secureConnection', (socket) => this.#secured(socket));
    // The handshake failed: the socket below is closed, and its session with it.
    this.#server.on('tlsClientError', (_, socket) => socket.destroy());
  }

  /**
   * Begins a handshake. Nobody else may read from the socket any more; it closes when the handshake fails.
   * @param done with the socket to go on with
   */
  secure(socket: Socket, done: (secured: TLSSocket) => void): void {
    const key = connectionOf(socket);
    this.#waiting.set(key, done);
    socket.once('close', () => this.#waiting.delete(key));
    // A client that ends within the handshake is gone; later it may end its side and still read.
    socket.allowHalfOpen = false;
    this.#server.emit('connection', socket);
  }

  /** When its certificates end, milliseconds since the epoch, by the name a client asks for; '' for none. */
  get certificatesEnd(): ReadonlyMap<string, number> {
    return this.#certificates.ends;
  }

  stop(): void {
    this.#certificates.stop();
  }

  #secured(socket: TLSSocket): void {
    const key = connectionOf(socket);
    const done = this.#waiting.get(key);
    this.#waiting.delete(key);
    if (!done) {
      socket.destroy();
      return;
    }
    socket.allowHalfOpen = true;
    done(socket);
  }
}

/** Unique among the connections that are open. */
const connectionOf = ({ remoteAddress, remotePort, localAddress, localPort }: Socket): string =>
  `${remoteAddress ?? ''} ${remotePort ?? ''} ${localAddress ?? ''} ${localPort ?? ''}`;

export function tlsFactsOf(socket: TLSSocket): TlsFacts {
  const protocol = socket.getProtocol() ?? '';
  return {
    protocol,
    cipher: socket.getCipher().standardName,
    binding: (type) => bindingOf(socket, protocol, type),
  };
}

function bindingOf(socket: TLSSocket, protocol: string, type: ChannelBinding): Buffer | undefined {
  // RFC 9266 §4.2: not where another handshake could give the same.
  if (type === 'tls-exporter' && protocol === 'TLSv1.3')
    return socket.exportKeyingMaterial(exporterInOctets, 'EXPORTER-Channel-Binding', Buffer.alloc(0));
  // RFC 5929 §3.1: the first Finished message, which is the client's unless the session is resumed. RFC 9266 §3: not
  // with TLS 1.3.
  if (type === 'tls-unique' && protocol === 'TLSv1.2')
    return socket.isSessionReused() ? socket.getFinished() : socket.getPeerFinished();
  return undefined;
}
