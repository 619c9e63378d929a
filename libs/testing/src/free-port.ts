/** A TCP port that nothing listens on now. */
import { once } from 'node:events';
import { createServer } from 'node:net';

/** The system gives each asker another one, so that two tests at once don't meet. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  const server = createServer();
  server.listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('a TCP server without a port');
  return address.port;
}
