/** A next hop that says what it is told, line by line, for what no well-made server does. For specs only. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

/**
 * Given a line of the client ('' at the beginning) it says what to answer: text as it goes out, `cut` breaks the
 * connection off, `deaf` asks for content and reads no more, undefined is silence. The lines of a content are not asked
 * about, but '.' is.
 */
export type Script = (line: string, connection: number) => string | undefined;

export interface ScriptedServer {
  readonly port: number;
  /** Lines of the clients, contents included, in order. */
  readonly heard: readonly string[];
  readonly connections: () => number;
  stop(): Promise<void>;
}

export async function startScripted(script: Script): Promise<ScriptedServer> {
  const heard: string[] = [];
  const open = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    speak(socket, ++connections, script, heard);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    heard,
    connections: () => connections,
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

function speak(socket: Socket, connection: number, script: Script, heard: string[]): void {
  let unread = '';
  let content = false;
  /** It has promised TLS, of which it knows nothing. */
  let promised = false;
  const answer = (line: string): void => {
    const text = script(line, connection);
    if (text === 'cut') socket.resetAndDestroy();
    else if (text === 'deaf') socket.pause().write('354 go\r\n');
    else if (text !== undefined && !socket.destroyed) {
      content = text.includes('354');
      promised = line === 'STARTTLS' && text.startsWith('220');
      socket.write(text, 'latin1');
    }
  };
  socket.on('error', () => undefined);
  socket.on('data', (chunk: Buffer) => {
    if (promised) {
      socket.write('what?\r\n');
      return;
    }
    unread += chunk.toString('latin1');
    for (let end = unread.indexOf('\r\n'); end !== -1; end = unread.indexOf('\r\n')) {
      const line = unread.slice(0, end);
      unread = unread.slice(end + 2);
      heard.push(line);
      if (!content || line === '.') answer(line);
    }
  });
  answer('');
}

/** An ordinary server, with some answers of its own: by the beginning of the line. */
export const ordinary =
  (own: Readonly<Record<string, string | undefined>> = {}): Script =>
  (line) => {
    const key = Object.keys(own).find((start) => (start === '' ? line === '' : line.startsWith(start)));
    if (key !== undefined) return own[key];
    if (line === '') return '220 scripted.test\r\n';
    if (line.startsWith('EHLO')) return '250-scripted.test\r\n250 PIPELINING\r\n';
    if (line === 'DATA') return '354 go\r\n';
    return line === 'QUIT' ? '221 bye\r\n' : '250 ok\r\n';
  };
