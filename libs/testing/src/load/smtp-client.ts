/** One SMTP connection of the load: replies in order, and what is known when it breaks. */
import { connect, type Socket } from 'node:net';

export interface ClientReply {
  readonly code: number;
  /** Without the code, lines joined by a blank. */
  readonly text: string;
}

/** The connection is gone: nothing more will be answered. */
export class ConnectionLost extends Error {}

/** No reply for this long is a lost connection. */
const replyTimeout = 60_000;

export class SmtpClient {
  readonly #socket: Socket;
  #unread = '';
  #lines: string[] = [];
  readonly #replies: ClientReply[] = [];
  #waiting:
    { readonly resolve: (reply: ClientReply) => void; readonly reject: (fault: Error) => void } | undefined;
  #lost: ConnectionLost | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setTimeout(replyTimeout, () => socket.destroy());
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => this.#read(text));
    socket.on('error', (error) => this.#lose(error.message));
    socket.on('close', () => this.#lose('connection closed'));
    socket.on('end', () => this.#lose('connection closed'));
  }

  /** Connects, reads the greeting, says EHLO. @throws ConnectionLost */
  static async open(target: {
    readonly host: string;
    readonly port: number;
    readonly name: string;
  }): Promise<SmtpClient> {
    const client = new SmtpClient(connect({ host: target.host, port: target.port }));
    const greeting = await client.reply();
    const hello = greeting.code === 220 ? await client.ask(`EHLO ${target.name}\r\n`) : greeting;
    if (hello.code === 250) return client;
    client.destroy();
    throw new ConnectionLost(`${hello.code} ${hello.text}`);
  }

  get lost(): boolean {
    return this.#lost !== undefined;
  }

  write(...parts: readonly (string | Buffer)[]): void {
    this.#socket.cork();
    for (const part of parts) this.#socket.write(part, 'latin1');
    this.#socket.uncork();
  }

  ask(command: string): Promise<ClientReply> {
    this.write(command);
    return this.reply();
  }

  /** The next reply that wasn't given out yet. @throws ConnectionLost */
  reply(): Promise<ClientReply> {
    const ready = this.#replies.shift();
    if (ready !== undefined) return Promise.resolve(ready);
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    return new Promise((resolve, reject) => (this.#waiting = { resolve, reject }));
  }

  /** QUIT without waiting for its reply. */
  quit(): void {
    if (!this.lost) this.#socket.end('QUIT\r\n');
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #read(text: string): void {
    const lines = (this.#unread + text).split('\r\n');
    this.#unread = lines.pop() ?? '';
    for (const line of lines) {
      this.#lines.push(line.slice(4));
      if (line[3] === '-') continue;
      this.#give({ code: Number(line.slice(0, 3)), text: this.#lines.join(' ') });
      this.#lines = [];
    }
  }

  #give(reply: ClientReply): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) this.#replies.push(reply);
    else waiting.resolve(reply);
  }

  #lose(text: string): void {
    this.#lost ??= new ConnectionLost(text);
    this.#waiting?.reject(this.#lost);
    this.#waiting = undefined;
  }
}
