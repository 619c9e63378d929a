/**
 * One connection to a next hop: carries the octets between a socket and the session's state machines (hello.ts, then
 * transfer.ts), knows TCP, TLS and time, and nothing of mail.
 */
import { isIP, type Socket } from 'node:net';
import { connect as connectTls, type SecureContext } from 'node:tls';
import type { Clock, Timer } from '@postrider/actor';
import type { ChannelEnd, Job } from '@postrider/protocol';
import { corkForTurn, dial, type Proxy } from '@postrider/runtime';
import { DotStuffer, ReplyReader, type ServerReply } from '@postrider/smtp';
import type { JobSource, LargeContentReader } from '../delivery.js';
import { returnPathInOctets, returnPathRemoved } from '../return-path.js';
import { Hello, type HelloOptions } from './hello.js';
import { nameOf, type Peer } from './next-hops.js';
import type { Offer } from './offer.js';
import { stages, type Stage } from './stages.js';
import { bdatCommand, Transfer, type TransferEnd } from './transfer.js';
import { brokenOff, faultText, unreachable, type Refusal } from './trouble.js';

export interface ConnectionOptions extends Omit<HelloOptions, 'host'> {
  readonly peer: Peer;
  readonly clock: Clock;
  readonly jobs: JobSource;
  readonly largeContent: LargeContentReader;
  /** Undefined: the peer is reached straight. */
  readonly proxy?: Proxy | undefined;
  /** Whose certificates prove something; absent: Node's own list. */
  readonly trust?: SecureContext | undefined;
}

export type SessionEnd =
  /** It never became ready; `answered`: somebody is there. */
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly answered: boolean }
  /** TLS was offered and does not work. */
  | { readonly kind: 'tls-failed' }
  /** It has carried its share of mails. */
  | { readonly kind: 'worn' }
  | { readonly kind: 'over'; readonly end: ChannelEnd };

/** How often the limits of stages are looked at: one timer a connection, whatever it carries. */
const patrolled = 1_000;

export class SmtpConnection {
  readonly over: Promise<SessionEnd>;
  readonly #options: ConnectionOptions;
  readonly #name: string;
  readonly #hello: Hello;
  #socket: Socket;
  #reader = new ReplyReader();
  #transfer: Transfer | undefined;
  #connected = false;
  #encryptDue = false;
  /** When the present stage began, or last made progress; monotonic. */
  #since: number;
  #patrol: Timer | undefined;
  #finishing = false;
  #ended = false;
  #resolve: (end: SessionEnd) => void = () => undefined;
  #drained: () => void = () => undefined;

  constructor(options: ConnectionOptions) {
    const { peer, clock } = options;
    this.#options = options;
    this.#name = nameOf(peer);
    this.over = new Promise((resolve) => (this.#resolve = resolve));
    this.#hello = new Hello({ ...options, host: peer.host }, this);
    this.#since = clock.monotonic();
    const { socket, connected } = dial({ host: peer.address, port: peer.port }, options.proxy);
    this.#socket = socket;
    socket.on('error', () => undefined);
    connected.then(
      () => {
        if (this.#ended) return;
        this.#connected = true;
        this.#progress();
        this.#listen(socket);
      },
      (error: unknown) => this.#broken(faultText(error)),
    );
    this.#watch();
  }

  get stage(): Stage {
    if (!this.#connected) return 'connect';
    return (this.#transfer ?? this.#hello).stage;
  }

  /** Jobs wait. */
  offered(): void {
    if (this.#ended || !this.#transfer) return;
    if (this.#transfer.stage === 'idle') this.#progress();
    this.#transfer.offered();
  }

  finish(): void {
    if (this.#ended) return;
    this.#finishing = true;
    if (this.#transfer) this.#transfer.finish();
    else if (this.#options.jobs.waiting === 0) this.abandon();
  }

  abandon(): void {
    if (this.#ended) return;
    if (this.#transfer) this.#transfer.abandon();
    else this.end({ reason: 'closed' });
  }

  // --- what the state machines ask for ---

  write(...parts: readonly (Buffer | string)[]): void {
    if (this.#ended) return;
    const socket = this.#socket;
    corkForTurn(socket);
    for (const part of parts) socket.write(part, 'utf8');
  }

  /** When the reader is done with the chunk that asked for it. */
  encrypt(): void {
    this.#encryptDue = true;
  }

  ready(offer: Offer): void {
    const { jobs } = this.#options;
    this.#transfer = new Transfer(offer, {
      write: (...parts) => this.write(...parts),
      stream: (job) => void this.#stream(job),
      take: () => jobs.take(),
      done: (job, outcomes) => jobs.done(job, outcomes),
      giveUp: (text) => this.#broken(text),
      now: () => Date.now(),
      end: (end) => this.end(end),
    });
    if (this.#finishing) this.#transfer.finish();
    else this.#transfer.offered();
  }

  refuse(refusal: Refusal): void {
    this.write('QUIT\r\n');
    this.#conclude({ kind: 'refused', refusal, answered: true });
  }

  end(end: TransferEnd): void {
    this.#conclude(end.reason === 'worn' ? { kind: 'worn' } : { kind: 'over', end });
  }

  // --- the socket ---

  #listen(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('drain', () => {
      this.#progress();
      this.#drained();
    });
    socket.on('error', (error) => this.#broken(faultText(error)));
    socket.on('close', () => this.#broken('the connection was closed'));
  }

  #received(chunk: Buffer): void {
    try {
      this.#reader.push(chunk, (reply) => this.#replied(reply));
    } catch (error) {
      this.#broken(error instanceof Error ? error.message : String(error));
      return;
    }
    if (!this.#encryptDue || this.#ended) return;
    this.#encryptDue = false;
    // RFC 3207 §6: what came in the clear ahead of the handshake must not count behind it.
    if (this.#reader.midway) this.#broken('octets behind the reply to STARTTLS');
    else this.#startTls();
  }

  #replied(reply: ServerReply): void {
    if (this.#ended) return;
    this.#progress();
    (this.#transfer ?? this.#hello).replied(reply);
  }

  #startTls(): void {
    const plain = this.#socket;
    const { peer, trust } = this.#options;
    const { host, unsigned } = peer;
    plain.removeAllListeners();
    // What befalls it befalls the encrypted one, which is listened to.
    plain.on('error', () => undefined);
    const secured = connectTls({
      socket: plain,
      // Opportunistic: a certificate that proves nothing is better than no encryption at all (RFC 7435 §4).
      rejectUnauthorized: false,
      // Whom the certificate must be for, to prove something.
      host,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(trust === undefined ? {} : { secureContext: trust }),
    });
    this.#socket = secured;
    this.#reader = new ReplyReader();
    this.#listen(secured);
    secured.once('secureConnect', () => {
      this.#progress();
      this.#options.jobs.encrypted(`${secured.getProtocol() ?? 'TLS'} ${secured.getCipher().name}`);
      this.#hello.encrypted(!secured.authorized ? 'unverified' : unsigned === true ? 'unsigned' : 'verified');
    });
  }

  /** A block at a time, as fast as the server takes them. */
  async #stream(job: Job): Promise<void> {
    const { body, sizeInOctets } = job.envelope;
    const { lmtp, largeContent } = this.#options;
    const stuffer = body === 'BINARYMIME' ? undefined : new DotStuffer();
    try {
      if (stuffer === undefined) {
        // BDAT tells its length before what is left of the header section is known.
        const removed = lmtp ? await returnPathInOctets(largeContent(job)) : 0;
        if (this.#ended) return;
        this.#socket.write(bdatCommand(sizeInOctets - removed));
      }
      const content = largeContent(job);
      for await (const chunk of lmtp ? returnPathRemoved(content) : content) {
        if (this.#ended) return;
        const octets = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
        if (this.#transfer?.mayStream(octets) === false) return;
        const ready = this.#socket.write(stuffer?.push(octets) ?? octets);
        this.#progress();
        if (!ready) await new Promise<void>((resolve) => (this.#drained = resolve));
      }
    } catch (error) {
      if (!this.#ended) this.#transfer?.unreadable(error instanceof Error ? error.message : String(error));
      return;
    }
    if (!this.#ended) this.#transfer?.streamed(stuffer?.atLineStart ?? true);
  }

  // --- time ---

  #progress(): void {
    this.#since = this.#options.clock.monotonic();
  }

  #watch(): void {
    this.#patrol = this.#options.clock.after(patrolled, () => {
      if (this.#options.clock.monotonic() - this.#since >= stages[this.stage].limit) this.#late();
      if (!this.#ended) this.#watch();
    });
  }

  #late(): void {
    this.#progress();
    if (this.stage === 'idle') this.#transfer?.idled();
    else this.#broken('timed out');
  }

  // --- the end ---

  #broken(text: string): void {
    if (this.#ended) return;
    const { stage } = this;
    const diagnostic = brokenOff(stage, this.#name, text);
    if (this.#transfer) this.end(this.#transfer.broken(diagnostic));
    else if (stage === 'handshake' || this.#hello.secured) this.#conclude({ kind: 'tls-failed' });
    else this.#conclude({ kind: 'refused', refusal: unreachable(diagnostic), answered: this.#connected });
  }

  #conclude(end: SessionEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#patrol?.cancel();
    this.#drained();
    this.#close();
    this.#resolve(end);
  }

  /** What is written still goes out, unless the server does not take it. */
  #close(): void {
    const socket = this.#socket;
    socket.uncork();
    if (socket.writableLength === 0 || !this.#connected) {
      socket.destroy();
      return;
    }
    socket.end();
    this.#options.clock.after(stages.quit.limit, () => socket.destroy());
  }
}
