/**
 * The certificate that a NATS server shows. The client library does not give it out, so it is asked for as a client does:
 * the server speaks first, one line in the clear, and then TLS begins (NATS protocol, INFO with `tls_required`).
 */
import { readFileSync } from 'node:fs';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

const defaultPort = 4222;
const patience = 5_000;

export interface NatsCertificate {
  /** Milliseconds since the epoch. */
  readonly end: number;
}

/** Host and port of `host`, `host:port`, `nats://host:port`; IPv6 in brackets. */
export function hostAndPort(server: string): { readonly host: string; readonly port: number } {
  const { hostname, port } = new URL(`nats://${server.replace(/^[a-z]+:\/\//, '')}`);
  return { host: hostname.replace(/^\[(.*)\]$/, '$1'), port: port === '' ? defaultPort : Number(port) };
}

/**
 * @param server as in `nats.servers`
 * @param caFile whose certificate it must be, PEM
 * @returns undefined from a server without TLS; @throws when it can't be asked, or its certificate is not good
 */
export async function serverCertificate(
  server: string,
  caFile?: string,
): Promise<NatsCertificate | undefined> {
  const { host, port } = hostAndPort(server);
  const socket = connectTcp({ host, port });
  try {
    const info = await firstLine(socket);
    if (!/"tls_(?:required|available)":\s*true/.test(info)) return undefined;
    return await shown(socket, host, caFile);
  } finally {
    socket.destroy();
  }
}

function firstLine(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    socket.setTimeout(patience, () => reject(new Error('it does not say INFO')));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('it hung up')));
    const read = (octets: Buffer): void => {
      text += octets.toString('utf8');
      if (!text.includes('\n')) return;
      socket.off('data', read);
      socket.pause();
      resolve(text);
    };
    socket.on('data', read);
  });
}

function shown(socket: Socket, host: string, caFile: string | undefined): Promise<NatsCertificate> {
  return new Promise((resolve, reject) => {
    const secure = connectTls(
      {
        socket,
        ...(isIP(host) === 0 ? { servername: host } : { host }),
        ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
      },
      () => {
        resolve({ end: Date.parse(secure.getPeerCertificate().valid_to) });
        secure.destroy();
      },
    );
    secure.once('error', reject);
  });
}
