/** One mail at a time: from the final dot to its 250, and to the whole mail at a sink of this process. */
import { createServer, connect, type Socket } from 'node:net';
import { once } from 'node:events';

export interface LatencyFigures {
  /** Final dot to 250, milliseconds. */
  readonly accept: Quantiles;
  /** Final dot to the whole mail at the sink, milliseconds. */
  readonly delivered: Quantiles;
}

export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
}

const body = `${'x'.repeat(70)}${'\r\n'.repeat(60)}`;

export async function measureLatency(port: number, sinkPort: number, mails: number): Promise<LatencyFigures> {
  const sink = await startTimingSink(sinkPort);
  const client = await openDialogue(port);
  const accept: number[] = [];
  const delivered: number[] = [];
  for (let n = 0; n < mails; n++) {
    for (const command of ['MAIL FROM:<a@bench.test>', 'RCPT TO:<b@dest.test>', 'DATA'])
      await client.command(command);
    const arrival = sink.arrival(n);
    const start = performance.now();
    const reply = await client.command(
      `From: a@bench.test\r\nTo: b@dest.test\r\nX-N: ${n}\r\nSubject: t\r\n\r\n${body}.`,
    );
    accept.push(performance.now() - start);
    if (!reply.startsWith('250')) throw new Error(`mail ${n} was not accepted: ${reply}`);
    delivered.push((await arrival) - start);
  }
  await client.command('QUIT');
  await sink.stop();
  return { accept: quantiles(accept), delivered: quantiles(delivered) };
}

function quantiles(times: number[]): Quantiles {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}

interface Dialogue {
  command(text: string): Promise<string>;
}

async function openDialogue(port: number): Promise<Dialogue> {
  const socket = connect(port, '127.0.0.1').setNoDelay(true).setEncoding('latin1');
  let rest = '';
  let waiting: ((reply: string) => void) | undefined;
  socket.on('data', (text: string) => {
    rest += text;
    if (!/^[0-9]{3} .*\r\n$/m.test(rest)) return;
    const reply = rest;
    rest = '';
    waiting?.(reply);
  });
  const reply = (): Promise<string> => new Promise((resolve) => (waiting = resolve));
  await reply();
  const command = (text: string): Promise<string> => {
    const answer = reply();
    socket.write(`${text}\r\n`, 'latin1');
    return answer;
  };
  await command('EHLO bench.test');
  return { command };
}

interface TimingSink {
  /** When the mail with `X-N: n` was there as a whole. */
  arrival(n: number): Promise<number>;
  stop(): Promise<void>;
}

async function startTimingSink(port: number): Promise<TimingSink> {
  const waiting = new Map<number, (at: number) => void>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    serve(socket, (n) => waiting.get(n)?.(performance.now()));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    arrival: (n) => new Promise((resolve) => waiting.set(n, resolve)),
    async stop() {
      sockets.forEach((socket) => socket.destroy());
      server.close();
      await once(server, 'close');
    },
  };
}

function serve(socket: Socket, arrived: (n: number) => void): void {
  let rest = '';
  let inContent = false;
  socket.setNoDelay(true).setEncoding('latin1');
  socket.on('error', () => socket.destroy());
  socket.write('220 sink.bench.test\r\n');
  socket.on('data', (text: string) => {
    rest += text;
    for (let end = nextEnd(); end !== -1; end = nextEnd()) {
      const part = rest.slice(0, end);
      rest = rest.slice(end + (inContent ? 5 : 2));
      if (inContent) {
        arrived(Number(/^x-n: ([0-9]+)/im.exec(part)?.[1]));
        inContent = false;
        socket.write('250 ok\r\n');
      } else {
        socket.write(replyTo(part.slice(0, 4).toUpperCase()));
        inContent = part.slice(0, 4).toUpperCase() === 'DATA';
      }
    }
  });
  const nextEnd = (): number => rest.indexOf(inContent ? '\r\n.\r\n' : '\r\n');
}

const replyTo = (verb: string): string =>
  verb === 'EHLO'
    ? '250-sink.bench.test\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE\r\n'
    : verb === 'DATA'
      ? '354 go\r\n'
      : '250 ok\r\n';
