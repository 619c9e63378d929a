/**
 * The least that a server on Node's sockets can do: it answers by the first letter of what came, and looks for the final
 * dot at the end of a chunk only. What it takes a second is the most that this machine, with the load on it too, lets
 * any server take. Ends with its parent.
 */
import { createServer, type Socket } from 'node:net';

const finalDot = Buffer.from('\r\n.\r\n');

function serve(socket: Socket): void {
  let inData = false;
  const answer = (text: string): void => void socket.write(`${text}\r\n`, 'latin1');
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    if (inData) {
      inData = !chunk.subarray(-finalDot.length).equals(finalDot);
      if (!inData) answer('250 2.0.0 Ok');
    } else {
      inData = chunk[0] === 'D'.charCodeAt(0);
      answer(inData ? '354 go ahead' : '250 2.0.0 Ok');
    }
  });
  answer('220 bare.bench.test ESMTP');
}

const server = createServer({ noDelay: true }, serve);
process.on('disconnect', () => process.exit(0));
server.listen(Number(process.argv[2]), '127.0.0.1', () => process.send?.('ready'));
