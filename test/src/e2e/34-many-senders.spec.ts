/**
 * Five thousand clients that all send 200 kB at once: a gigabyte comes, and smtp-ingress holds no more of it than its
 * budget (DESIGN §3: 64 MiB). Whoever finds no place waits for his 354, or hears 452.
 */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, expect, test } from 'vitest';
import { resetPeaks } from '../process-figures.js';
import { startPostrider, type RunningPostrider } from '../running-postrider.js';

const mebi = 1024 * 1024;
/** Ours and the server's are processes of their own: each needs a descriptor a session, and some besides. */
const descriptors = Number(execFileSync('bash', ['-c', 'ulimit -Hn'], { encoding: 'utf8' })) || 1_000_000;
const sessions = Math.min(5_000, descriptors - 500);
const content = Buffer.from(`Subject: x\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(2_560)}.\r\n`);
const connectedAtOnce = 250;

let postrider: RunningPostrider;
afterAll(() => postrider.remove());

/** A session, with the last reply that came. */
class Sender {
  readonly #socket: Socket;
  #text = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1').on('data', (text: string) => (this.#text += text));
    socket.on('error', () => undefined);
  }

  static async open(port: number): Promise<Sender> {
    const socket = connect(port, '127.0.0.1');
    const sender = new Sender(socket);
    await once(socket, 'connect');
    await sender.reply();
    await sender.command('EHLO client.example');
    await sender.command('MAIL FROM:<a@client.example>');
    await sender.command('RCPT TO:<b@dest.test>');
    return sender;
  }

  command(text: string): Promise<string> {
    this.#socket.write(`${text}\r\n`);
    return this.reply();
  }

  /** The whole mail. @returns the reply that decided */
  async send(): Promise<string> {
    const begun = await this.command('DATA');
    if (!begun.startsWith('354')) return begun;
    this.#socket.write(content);
    return this.reply();
  }

  /** The next reply; '' when the connection is gone. */
  async reply(): Promise<string> {
    for (;;) {
      const match = /^(?:\d{3}-.*\r\n)*(\d{3} .*)\r\n/.exec(this.#text);
      if (match?.[1] !== undefined) {
        this.#text = this.#text.slice(match[0].length);
        return match[1];
      }
      if (this.#socket.destroyed || this.#socket.readableEnded) return '';
      await Promise.race([once(this.#socket, 'data'), once(this.#socket, 'close')]);
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}

test(
  'memory stays within the budget, and every client hears what became of his mail',
  { timeout: 240_000 },
  async () => {
    postrider = await startPostrider(['hostname: mx.example.org', 'routes: { "*": "discard:" }']);
    const ingress = () => {
      const found = postrider.processes().find(({ name }) => name.includes('smtp-ingress'));
      if (!found) throw new Error('no smtp-ingress runs');
      return found;
    };
    const fresh = ingress().memoryInOctets;
    const senders: Sender[] = [];
    for (let left = sessions; left > 0; left -= connectedAtOnce) {
      const some = Array.from({ length: Math.min(left, connectedAtOnce) }, () => Sender.open(postrider.port));
      senders.push(...(await Promise.all(some)));
    }
    const idle = ingress().memoryInOctets;
    resetPeaks([ingress()]);
    const begun = performance.now();
    const replies = await Promise.all(senders.map((sender) => sender.send()));
    const seconds = (performance.now() - begun) / 1000;
    const peak = ingress().peakMemoryInOctets;
    for (const sender of senders) sender.close();

    const count = (pattern: RegExp): number => replies.filter((reply) => pattern.test(reply)).length;
    const [accepted, refused] = [count(/^250 /), count(/^45\d /)];
    const show = (octets: number): string => `${Math.round(octets / mebi)} MiB`;
    process.stdout.write(
      `${sessions} sessions, ${content.length} octets each: ${accepted} accepted, ${refused} told to come again, ${seconds.toFixed(0)} s; ` +
        `smtp-ingress: ${show(fresh)} fresh, ${show(idle)} with all idle, ${show(peak)} at most\n`,
    );
    expect(accepted + refused).toBe(sessions);
    expect(accepted).toBeGreaterThan(sessions / 10);
    // The budget, what is on its way to NATS and from the sockets, and garbage not collected yet.
    expect(peak - idle).toBeLessThan(200 * mebi);
  },
);
