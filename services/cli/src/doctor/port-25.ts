/** Can this machine reach other people's port 25, and from which address do they see it? */
import { dial, type Proxy } from '@postrider/runtime';

export interface Way {
  readonly port?: number;
  /** As the workers go; it resolves the name. */
  readonly proxy?: Proxy | undefined;
}

export interface Seen {
  /** Of our end of the connection; behind NAT it is not what the peer sees. */
  readonly local: string;
  /** That the peer names in its reply to EHLO, in brackets, as many do. */
  readonly byPeer?: string;
}

const patience = 10_000;

/** Greeting, EHLO, QUIT: no mail. @throws Error when it can't be reached or refuses */
export function lookThroughPort25(host: string, ehlo: string, way: Way = {}): Promise<Seen> {
  const { port = 25, proxy } = way;
  return new Promise((resolve, reject) => {
    const { socket, connected } = dial({ host, port }, proxy);
    let said = '';
    let greeted = false;
    const fail = (text: string): void => {
      socket.destroy();
      reject(new Error(`${host} port ${port}: ${text}`));
    };
    socket.setTimeout(patience, () => fail('no answer; many networks block port 25 outwards'));
    const failed = (error: unknown): void => fail(error instanceof Error ? error.message : String(error));
    socket.on('error', () => undefined);
    const read = (text: string): void => {
      said += text;
      // RFC 5321 §4.2.1: the last line of a reply has a blank behind its code.
      const last = /^([0-9]{3})(?: [^\n]*)?\r?\n$/m.exec(said);
      if (!last) return;
      if (!last[1]?.startsWith('2')) {
        fail(last[0].trim());
        return;
      }
      if (!greeted) {
        greeted = true;
        said = '';
        socket.write(`EHLO ${ehlo}\r\n`);
        return;
      }
      const byPeer = /\[(?:IPv6:)?([0-9a-fA-F.:]+)\]/i.exec(said)?.[1];
      resolve({ local: socket.localAddress ?? '', ...(byPeer === undefined ? {} : { byPeer }) });
      socket.end('QUIT\r\n');
    };
    connected.then(() => {
      socket.on('error', failed);
      socket.on('close', () => fail('closed before its reply'));
      socket.on('data', (octets: Buffer) => read(octets.toString('latin1')));
    }, failed);
  });
}
