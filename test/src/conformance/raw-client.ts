/** A client that sends exactly what it is told, and reads whole replies. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { setImmediate as nextTurn } from 'node:timers/promises';

export interface RawReply {
  readonly code: number;
  /** Without code and separator. */
  readonly lines: readonly string[];
}

/** Turns of the event loop until what was written has been read by a server in this process. */
const turnsToArrive = 3;

export class RawClient {
  #socket: Socket;
  #received = '';
  #closed = false;
  #wake: (() => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#listen(socket);
  }

  #listen(socket: Socket): void {
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#received += text;
      this.#wake?.();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => this.#end());
    socket.on('end', () => this.#end());
  }

  /**
   * @param early what is written with the connection
   * @returns connected; the greeting is not read yet
   */
  static async connect(port: number, early?: string): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    if (early !== undefined) socket.write(early);
    await once(socket, 'connect');
    return new RawClient(socket);
  }

  /**
   * TLS from the first octet on.
   * @param early what is written with the end of the handshake
   */
  static async connectTls(port: number, options: ConnectionOptions = {}, early?: string): Promise<RawClient> {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
    if (early !== undefined) socket.write(early);
    await once(socket, 'secureConnect');
    return new RawClient(socket);
  }

  /** The handshake, after 220 to STARTTLS. @returns what TLS knows of the session */
  async startTls(options: ConnectionOptions = {}): Promise<TLSSocket> {
    this.#socket.removeAllListeners();
    const secured = connectTls({ socket: this.#socket, rejectUnauthorized: false, ...options });
    await once(secured, 'secureConnect');
    this.#socket = secured;
    this.#listen(secured);
    return secured;
  }

  get localPort(): number {
    return this.#socket.localPort ?? 0;
  }

  /** Octets as they are: one packet. */
  write(octets: string | Buffer): void {
    this.#socket.write(typeof octets === 'string' ? Buffer.from(octets, 'latin1') : octets);
  }

  /** Two packets, the second when the first has been read. */
  async writeSplit(octets: string, at: number): Promise<void> {
    this.write(octets.slice(0, at));
    for (let turn = 0; turn < turnsToArrive; turn++) await nextTurn();
    this.write(octets.slice(at));
  }

  /** One command and its reply. */
  async command(line: string): Promise<RawReply> {
    this.write(`${line}\r\n`);
    return this.reply();
  }

  /** The code of each reply, one command at a time. */
  async codes(...lines: readonly string[]): Promise<readonly number[]> {
    const codes: number[] = [];
    for (const line of lines) codes.push((await this.command(line)).code);
    return codes;
  }

  /** @throws when the server closes before the reply is whole */
  async reply(): Promise<RawReply> {
    for (;;) {
      const match = /^(?:[0-9]{3}-[^\r\n]*\r\n)*[0-9]{3}(?: [^\r\n]*)?\r\n/.exec(this.#received);
      if (match) {
        this.#received = this.#received.slice(match[0].length);
        const lines = match[0].split('\r\n').slice(0, -1);
        return { code: Number(lines[0]?.slice(0, 3)), lines: lines.map((line) => line.slice(4)) };
      }
      if (this.#closed) throw new Error(`the server closed after ${JSON.stringify(this.#received)}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** All that the server says until it closes. */
  async rest(): Promise<string> {
    while (!this.#closed) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#received;
  }

  /** What came so far and is not read yet. */
  get unread(): string {
    return this.#received;
  }

  /** No more will be sent; replies are still read. */
  halfClose(): void {
    this.#socket.end();
  }

  close(): void {
    this.#socket.destroy();
  }

  #end(): void {
    this.#closed = true;
    this.#wake?.();
  }
}

/** Connected, greeted, and EHLO said. */
export async function greetedClient(port: number, ehlo = 'EHLO client.example'): Promise<RawClient> {
  const client = await RawClient.connect(port);
  await client.reply();
  if (ehlo !== '') await client.command(ehlo);
  return client;
}
