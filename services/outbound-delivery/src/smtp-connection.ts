/**
 * One connection to a next hop: octets out, replies in. Knows TCP, TLS and time-outs, and nothing of mail.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { ReplyReader, type ServerReply } from '@postrider/smtp';
import { badConnection, noAnswer, SessionLost } from './trouble.js';

/** RFC 5321 §4.5.3.2, milliseconds; the connection itself has no limit there: 30 s is what most servers allow. */
export const timeouts = {
  connect: 30_000,
  greeting: 300_000,
  /** EHLO has no limit of its own: as MAIL. */
  ehlo: 300_000,
  starttls: 120_000,
  mail: 300_000,
  rcpt: 300_000,
  data: 120_000,
  contentBlock: 180_000,
  content: 600_000,
  quit: 5_000,
} as const;

export interface Peer {
  readonly host: string;
  readonly address: string;
  readonly port: number;
}

export class SmtpConnection {
  /** Protocol and cipher, once encrypted. */
  tls: string | undefined;
  readonly #peer: Peer;
  readonly #name: string;
  #socket: Socket;
  #reader = new ReplyReader();
  readonly #replies: ServerReply[] = [];
  #waiting:
    { readonly resolve: (reply: ServerReply) => void; readonly reject: (error: Error) => void } | undefined;
  #lost: SessionLost | undefined;
  #onLost: () => void = () => undefined;

  /** @throws SessionLost when nobody answers */
  static async open(peer: Peer): Promise<SmtpConnection> {
    const socket = connect({ host: peer.address, port: peer.port });
    socket.setNoDelay(true);
    const late = setTimeout(
      () => socket.destroy(new Error(`no connection within ${timeouts.connect / 1000} s`)),
      timeouts.connect,
    );
    try {
      await once(socket, 'connect');
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      throw new SessionLost(
        text,
        noAnswer(`connect to ${peer.host} [${peer.address}]:${peer.port}: ${text}`),
      );
    } finally {
      clearTimeout(late);
    }
    return new SmtpConnection(peer, socket);
  }

  private constructor(peer: Peer, socket: Socket) {
    this.#peer = peer;
    this.#name = peer.host === peer.address ? `[${peer.address}]` : `${peer.host} [${peer.address}]`;
    this.#socket = socket;
    this.#listen();
  }

  /** For Remote-MTA and texts. */
  get remoteMta(): string {
    return this.#peer.host;
  }

  get lost(): boolean {
    return this.#lost !== undefined;
  }

  /** Called once when the connection ends while nobody waits for a reply. */
  onLost(listener: () => void): void {
    this.#onLost = listener;
    if (this.#lost) listener();
  }

  /** Several buffers in one write. @returns false when the socket wants to be drained */
  write(parts: readonly (Buffer | string)[]): boolean {
    if (this.#lost) throw this.#lost;
    if (parts.length === 1) return this.#socket.write(parts[0] ?? '', 'latin1');
    this.#socket.cork();
    let ready = true;
    for (const part of parts) ready = this.#socket.write(part, 'latin1');
    this.#socket.uncork();
    return ready;
  }

  async drained(): Promise<void> {
    if (this.#socket.writableNeedDrain)
      await Promise.race([once(this.#socket, 'drain'), once(this.#socket, 'close')]);
    if (this.#lost) throw this.#lost;
  }

  /** The next reply in order. @param within milliseconds of silence; @throws SessionLost */
  reply(within: number): Promise<ServerReply> {
    const reply = this.#replies.shift();
    if (reply) return Promise.resolve(reply);
    if (this.#lost) return Promise.reject(this.#lost);
    this.#socket.setTimeout(within);
    return new Promise((resolve, reject) => (this.#waiting = { resolve, reject }));
  }

  /** RFC 3207: what was known before is forgotten; nothing that came before the handshake survives it. */
  async startTls(): Promise<void> {
    if (this.#replies.length > 0) throw this.#lose('replies ahead of STARTTLS');
    const plain = this.#socket;
    plain.removeAllListeners();
    const servername = /^[0-9.]+$|:/.test(this.#peer.host) ? {} : { servername: this.#peer.host };
    // Opportunistic: any certificate is better than none at all (RFC 7435).
    const secure = connectTls({ socket: plain, rejectUnauthorized: false, ...servername });
    const late = setTimeout(() => secure.destroy(new Error('no TLS handshake in time')), timeouts.starttls);
    try {
      await once(secure, 'secureConnect');
    } catch (error) {
      throw this.#lose(`TLS: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      clearTimeout(late);
    }
    this.#socket = secure;
    this.#reader = new ReplyReader();
    this.tls = `${secure.getProtocol() ?? 'TLS'} ${secure.getCipher().name}`;
    this.#listen();
  }

  /** After QUIT, or when nothing can be saved. */
  end(): void {
    this.#lost ??= new SessionLost('closed', badConnection('closed by us', this.#name));
    this.#socket.destroy();
  }

  #listen(): void {
    this.#socket.on('data', (chunk: Buffer) => this.#received(chunk));
    this.#socket.on('timeout', () => this.#lose(`no reply within ${(this.#socket.timeout ?? 0) / 1000} s`));
    this.#socket.on('error', (error) => this.#lose(error.message));
    this.#socket.on('close', () => this.#lose('the connection was closed'));
  }

  #received(chunk: Buffer): void {
    try {
      for (const reply of this.#reader.push(chunk)) {
        const waiting = this.#waiting;
        this.#waiting = undefined;
        if (waiting) waiting.resolve(reply);
        else this.#replies.push(reply);
      }
    } catch (error) {
      this.#lose(error instanceof Error ? error.message : String(error));
    }
  }

  #lose(text: string): SessionLost {
    if (this.#lost) return this.#lost;
    this.#lost = new SessionLost(text, badConnection(`${this.#name}: ${text}`));
    this.#socket.destroy();
    this.#waiting?.reject(this.#lost);
    this.#waiting = undefined;
    this.#onLost();
    return this.#lost;
  }
}
