/** A connection outwards: straight, or by the operator's SOCKS5 proxy (RFC 1928), so that mail comes out at its address. */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { SocksClient } from 'socks';

export interface Proxy {
  readonly host: string;
  readonly port: number;
  /** '' where it asks for none; else RFC 1929. */
  readonly user: string;
  /** Holds the user's password, and is read at each connection; '' for none. */
  readonly passwordFile: string;
}

export interface Dialled {
  /** To be destroyed at any time; it may be listened to for data once it is connected. */
  readonly socket: Socket;
  /** Rejects with an Error that says who refused; settles also when the socket is destroyed. */
  readonly connected: Promise<void>;
}

/** The proxy's answers, its own connection outwards among them, milliseconds. */
const answersWithin = 60_000;

/** @param to an address, or a name where a proxy is to resolve it; @param proxy undefined: straight */
export function dial(to: { readonly host: string; readonly port: number }, proxy?: Proxy): Dialled {
  const first = proxy ?? to;
  const socket = connect({ host: first.host, port: first.port, noDelay: true });
  const straight = new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed')));
  });
  if (!proxy) return { socket, connected: straight };
  const connected = straight
    .then(() => throughProxy(socket, to, proxy))
    .catch((error: unknown) => {
      socket.destroy();
      throw new Error(`SOCKS5 proxy ${proxy.host}:${proxy.port}: ${textOf(error)}`, { cause: error });
    });
  return { socket, connected };
}

async function throughProxy(
  socket: Socket,
  { host, port }: { readonly host: string; readonly port: number },
  proxy: Proxy,
): Promise<void> {
  const password = proxy.passwordFile === '' ? '' : readFileSync(proxy.passwordFile, 'utf8').trim();
  await SocksClient.createConnection({
    existing_socket: socket,
    command: 'connect',
    timeout: answersWithin,
    destination: { host, port },
    proxy: {
      host: proxy.host,
      port: proxy.port,
      type: 5,
      ...(proxy.user === '' ? {} : { userId: proxy.user, password }),
    },
  });
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
