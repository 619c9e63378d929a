/** A client that says what it is told, line by line, and gives back whole replies. */
import { connect } from 'node:net';
import { once } from 'node:events';

export interface Dialogue {
  readonly greeting: string;
  /** Sends the text and CRLF. @returns the reply to it, all lines */
  command(text: string): Promise<string>;
  /** Sends octets as they are. */
  write(octets: string | Buffer): Promise<void>;
  /** The next reply. @throws when the connection ends first */
  reply(): Promise<string>;
  close(): void;
}

export async function openDialogue(port: number): Promise<Dialogue> {
  const socket = connect(port, '127.0.0.1').setNoDelay(true);
  await once(socket, 'connect');
  let rest = '';
  let ended = false;
  let look: () => void = () => undefined;
  socket.setEncoding('latin1').on('data', (text: string) => {
    rest += text;
    look();
  });
  const end = (): void => {
    ended = true;
    look();
  };
  socket.on('close', end).on('error', end);
  const reply = async (): Promise<string> => {
    for (;;) {
      const whole = /^(?:[0-9]{3}-.*\r\n)*[0-9]{3}(?: .*)?\r\n/.exec(rest)?.[0];
      if (whole !== undefined) {
        rest = rest.slice(whole.length);
        return whole.trimEnd();
      }
      if (ended) throw new Error(`the connection ended; unread: ${rest}`);
      await new Promise<void>((resolve) => (look = resolve));
    }
  };
  const write = async (octets: string | Buffer): Promise<void> => {
    if (!socket.write(octets)) await once(socket, 'drain');
  };
  return {
    greeting: await reply(),
    reply,
    write,
    async command(text) {
      await write(`${text}\r\n`);
      return reply();
    },
    close: () => socket.destroy(),
  };
}
