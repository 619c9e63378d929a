/** Can this machine reach other people's port 25, and from which address do they see it? */
import { connect } from 'node:net';

export interface Seen {
  /** Of our end of the connection; behind NAT it is not what the peer sees. */
  readonly local: string;
  /** That the peer names in its reply to EHLO, in brackets, as many do. */
  readonly byPeer?: string;
}

const patience = 10_000;

/** Greeting, EHLO, QUIT: no mail. @throws Error when it can't be reached or refuses */
export function lookThroughPort25(host: string, ehlo: string, port = 25): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    let said = '';
    let greeted = false;
    const fail = (text: string): void => {
      socket.destroy();
      reject(new Error(`${host} port ${port}: ${text}`));
    };
    socket.setTimeout(patience, () => fail('no answer; many networks block port 25 outwards'));
    socket.on('error', (error) => fail(error.message));
    socket.on('close', () => fail('closed before its reply'));
    socket.setEncoding('latin1').on('data', (text: string) => {
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
    });
  });
}
