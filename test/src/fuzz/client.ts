/** Plays a plan at a server, and sees to it that every reply is one (RFC 5321 §4.2, RFC 2034 §4). */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Plan, Step } from './plan.js';

/** A reply that has not come after this will not come: the step before was none to answer. */
const replyInMilliseconds = 1_000;
/** Nor will the next ones, as long as none comes: a chunk is awaited, or the end of a line. */
const silenceInMilliseconds = 30;
/** A server that has not closed a session after that hangs. Wrong passwords are answered after 8 s. */
const endInMilliseconds = 30_000;
const handshakeInMilliseconds = 5_000;
const replyLineInOctets = 512;

/** @returns what was wrong; undefined for nothing */
export async function play({ address, steps, listener }: Plan, port: number): Promise<string | undefined> {
  const client = new FuzzClient(connect({ port, host: '127.0.0.1', localAddress: address }));
  try {
    if (listener === 'submissions') await client.handshake();
    for (const step of steps) {
      if (client.isOver) break;
      await perform(step, client);
    }
    return (await client.ended()) ? client.problem : 'hangs: it does not end after its client';
  } finally {
    client.destroy();
  }
}

async function perform(step: Step, client: FuzzClient): Promise<void> {
  switch (step.do) {
    case 'send':
      return client.send(step.octets, step.cuts);
    case 'content':
      return client.lastCode === 354 ? client.send(step.octets, step.cuts) : undefined;
    case 'await':
      return client.reply();
    case 'handshake':
      return client.lastCode === 220 ? client.handshake() : undefined;
    case 'leave':
      return client.leave(step.how);
  }
}

class FuzzClient {
  readonly #plain: Socket;
  #socket: Socket;
  #unread = '';
  #over = false;
  #wake: () => void = () => undefined;
  #isSilent = false;
  /** 0 when nothing was said since we said something. */
  lastCode = 0;
  problem: string | undefined;

  constructor(socket: Socket) {
    this.#plain = this.#socket = socket;
    this.#listen(socket);
  }

  get isOver(): boolean {
    return this.#over;
  }

  async send(octets: string, cuts: readonly number[]): Promise<void> {
    let from = 0;
    this.lastCode = 0;
    for (const to of [...cuts, octets.length]) {
      this.#socket.write(Buffer.from(octets.slice(from, to), 'latin1'));
      from = to;
      await nextTurn();
    }
  }

  /** Something is said, since we said something: replies to a group come together. */
  async reply(): Promise<void> {
    if (this.lastCode === 0 && !this.#over)
      await this.#event(this.#isSilent ? silenceInMilliseconds : replyInMilliseconds);
    this.#isSilent = this.lastCode === 0;
  }

  async handshake(): Promise<void> {
    if (this.#socket !== this.#plain) return;
    this.#plain.removeAllListeners('data');
    const secured = connectTls({ socket: this.#plain, rejectUnauthorized: false });
    this.#socket = secured;
    this.#listen(secured);
    secured.once('secureConnect', () => this.#wake());
    await this.#event(handshakeInMilliseconds);
  }

  leave(how: 'end' | 'reset'): Promise<void> {
    if (how === 'end') this.#socket.end();
    else this.#plain.resetAndDestroy();
    return Promise.resolve();
  }

  /** @returns whether the connection is over */
  async ended(): Promise<boolean> {
    const until = performance.now() + endInMilliseconds;
    while (!this.#over && performance.now() < until) await this.#event(until - performance.now());
    return this.#over;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #listen(socket: Socket): void {
    socket.setNoDelay(true);
    const over = (): void => {
      this.#over = true;
      this.#wake();
    };
    socket.on('data', (chunk: Buffer) => this.#read(chunk.toString('latin1')));
    socket.on('error', over);
    socket.on('close', over);
  }

  #event(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #read(text: string): void {
    this.#unread += text;
    for (let end = this.#unread.indexOf('\n'); end !== -1; end = this.#unread.indexOf('\n')) {
      const line = this.#unread.slice(0, end + 1);
      this.#unread = this.#unread.slice(end + 1);
      this.problem ??= wrongIn(line);
      if (line[3] === '-') continue;
      this.lastCode = Number(line.slice(0, 3));
      this.#wake();
    }
  }
}

function wrongIn(line: string): string | undefined {
  const [, code = '', status] =
    /^([2345][0-5][0-9])[ -](?:([245])\.[0-9]{1,3}\.[0-9]{1,3} )?[\t\x20-\x7e\x80-\xff]*\r\n$/.exec(line) ??
    [];
  const isRefusal = code.startsWith('4') || code.startsWith('5');
  const isRight =
    code !== '' &&
    line.length <= replyLineInOctets &&
    (status === undefined ? !isRefusal : code[0] === status);
  return isRight ? undefined : `no good reply: ${JSON.stringify(line)}`;
}
