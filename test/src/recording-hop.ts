/** A next hop that takes everything and remembers what was said to it. */
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

export interface RecordingHop {
  /** Lines of clients, contents too. */
  readonly heard: readonly string[];
  stop(): Promise<void>;
}

/** @param extensions lines of the reply to EHLO */
export async function startRecordingHop(port: number, extensions: readonly string[]): Promise<RecordingHop> {
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    serve(socket, extensions, heard);
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    heard,
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function serve(socket: Socket, extensions: readonly string[], heard: string[]): void {
  const say = (text: string): void => void socket.write(`${text}\r\n`);
  let rest = '';
  let inContent = false;
  say('220 hop.test');
  socket.setEncoding('latin1').on('data', (text: string) => {
    const lines = (rest + text).split('\r\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      heard.push(line);
      if (inContent && line !== '.') continue;
      if (line === 'DATA') say('354 go on');
      else if (line.startsWith('EHLO'))
        say(
          ['hop.test', ...extensions]
            .map((one, n, all) => `250${n < all.length - 1 ? '-' : ' '}${one}`)
            .join('\r\n'),
        );
      else say(line === 'QUIT' ? '221 bye' : '250 ok');
      inContent = line === 'DATA';
    }
  });
}
