/**
 * A load of mails with unique markers over connections that stay open, and a book of what became of each: the other
 * half of every kill test. Connections that break are made again; a mail that can't have been accepted is sent again
 * under the same marker; one whose fate is unknown is not, so that each second copy at the sink is the system's.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { defaultMarkerHeader } from '../sink/sink.js';
import { sendMail, type MailFate } from './send-mail.js';
import { ConnectionLost, SmtpClient, type ClientReply } from './smtp-client.js';

export interface LoadOptions {
  readonly host?: string;
  /** Several are servers of one name, asked for at each connection: who finds one away goes on to the next. */
  readonly port: number | (() => readonly number[]);
  /** Mails in all; absent: until `stop`. */
  readonly count?: number;
  /** Connections kept open. Default 1. */
  readonly sessions?: number;
  /** Octets of a mail, header included. Default 1000. */
  readonly sizeInOctets?: number;
  readonly from?: string;
  /** One recipient a mail, by its number from 0. Default to@dest.test. */
  readonly to?: string | ((number: number) => string);
  /** Markers are `<prefix><number>`; unique among the loads on one sink. */
  readonly markerPrefix?: string;
  readonly markerHeader?: string;
  /** Mails a second over all sessions; absent: as fast as they are answered. */
  readonly perSecond?: number;
  /** What a 4xx leads to: again after a pause, or an end. Default again. */
  readonly temporary?: 'again' | 'end';
}

/** A mail that got 250; times as `performance.now()` gives them. */
export interface AcceptedMail {
  /** Its first try began. */
  readonly first: number;
  /** MAIL of the try that got 250 was sent. */
  readonly begun: number;
  readonly done: number;
  /** The text of that 250. */
  readonly reply: string;
}

export interface LoadResult {
  /** By marker. */
  readonly accepted: ReadonlyMap<string, AcceptedMail>;
  readonly refused: ReadonlyMap<string, ClientReply>;
  /** Not sent again. */
  readonly unknown: ReadonlySet<string>;
  /** Connections made again after one broke or could not be made. */
  readonly reconnects: number;
  /** 4xx replies after which the mail was sent again. */
  readonly temporaries: number;
}

export interface RunningLoad extends LoadResult {
  /** No new mail; those under way are finished, as far as the server answers within 10 s. */
  stop(): Promise<LoadResult>;
  /** All `count` mails have a fate. */
  readonly finished: Promise<LoadResult>;
}

/** Between two tries at a server that is away. */
const reconnectPause = 50;
/** Before a mail that got 4xx is sent again; a real client waits longer (RFC 5321 §4.5.4.1), a test can't. */
const temporaryPause = 100;
/** For mails under way at `stop`; a dead server doesn't hold up the end. */
const stopWithin = 10_000;

/** Sends all and waits for the end. */
export const sendLoad = (options: LoadOptions & { readonly count: number }): Promise<LoadResult> =>
  startLoad(options).finished;

export function startLoad(options: LoadOptions): RunningLoad {
  const run = new LoadRun(options);
  const finished = run.all();
  return {
    accepted: run.accepted,
    refused: run.refused,
    unknown: run.unknown,
    get reconnects() {
      return run.reconnects;
    },
    get temporaries() {
      return run.temporaries;
    },
    finished,
    stop: async () => {
      run.stopping = true;
      const late = setTimeout(() => run.cut(), stopWithin);
      try {
        return await finished;
      } finally {
        clearTimeout(late);
      }
    },
  };
}

class LoadRun implements LoadResult {
  readonly accepted = new Map<string, AcceptedMail>();
  readonly refused = new Map<string, ClientReply>();
  readonly unknown = new Set<string>();
  reconnects = 0;
  temporaries = 0;
  stopping = false;
  readonly #options: LoadOptions;
  readonly #clients = new Set<SmtpClient>();
  readonly #again: number[] = [];
  /** When each mail without a fate was tried first. */
  readonly #first = new Map<number, number>();
  readonly #body: Buffer;
  readonly #start = performance.now();
  #next = 0;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#body = bodyOf(options.sizeInOctets ?? 1000);
  }

  async all(): Promise<LoadResult> {
    const { sessions = 1 } = this.#options;
    await Promise.all(Array.from({ length: sessions }, async (_, session) => this.#session(session)));
    return this;
  }

  /** One connection after the other until there is nothing left to send. */
  async #session(session: number): Promise<void> {
    let client: SmtpClient | undefined;
    const turn = { next: session };
    for (let number = await this.#take(); number !== undefined; number = await this.#take()) {
      if (!this.#first.has(number)) this.#first.set(number, performance.now());
      client = await this.#connected(client, turn);
      const fate = client === undefined ? { fate: 'unsent' as const } : await this.#send(client, number);
      if (client !== undefined && (fate.fate === 'unsent' || fate.fate === 'unknown')) {
        this.#drop(client);
        client = undefined;
      }
      if (this.#note(number, fate) === 'again') await pause(temporaryPause);
    }
    client?.quit();
    if (client !== undefined) this.#clients.delete(client);
  }

  cut(): void {
    this.#clients.forEach((client) => client.destroy());
  }

  /** The next mail's number; waits where a rate is set. */
  async #take(): Promise<number | undefined> {
    if (this.stopping) return undefined;
    const again = this.#again.shift();
    if (again !== undefined) return again;
    if (this.#next >= (this.#options.count ?? Infinity)) return undefined;
    const number = this.#next++;
    const { perSecond } = this.#options;
    const due = perSecond === undefined ? 0 : this.#start + (number / perSecond) * 1000 - performance.now();
    if (due > 0) await pause(due);
    return number;
  }

  /** @param turn which of the servers is this session's */
  async #connected(client: SmtpClient | undefined, turn: { next: number }): Promise<SmtpClient | undefined> {
    if (client !== undefined && !client.lost) return client;
    if (client !== undefined) this.#drop(client);
    const { host = '127.0.0.1', port } = this.#options;
    while (!this.stopping) {
      const ports = typeof port === 'number' ? [port] : port();
      try {
        const made = await SmtpClient.open({
          host,
          port: ports[turn.next % ports.length] ?? 0,
          name: 'load.test',
        });
        this.#clients.add(made);
        return made;
      } catch (error) {
        if (!(error instanceof ConnectionLost)) throw error;
        this.reconnects++;
        turn.next++;
        await pause(reconnectPause);
      }
    }
    return undefined;
  }

  #drop(client: SmtpClient): void {
    client.destroy();
    this.#clients.delete(client);
    this.reconnects++;
  }

  async #send(client: SmtpClient, number: number): Promise<MailFate> {
    const {
      from = 'from@load.test',
      to = 'to@dest.test',
      markerHeader = defaultMarkerHeader,
    } = this.#options;
    const recipient = typeof to === 'string' ? to : to(number);
    const marker = this.#marker(number);
    const begun = performance.now();
    const header = `From: <${from}>\r\nTo: <${recipient}>\r\nSubject: load\r\nMessage-ID: <${marker}@load.test>\r\n${markerHeader}: ${marker}\r\n\r\n`;
    const fate = await sendMail(client, { from, to: recipient, content: [header, this.#body] });
    if (fate.fate === 'accepted') {
      const first = this.#first.get(number) ?? begun;
      this.accepted.set(marker, { first, begun, done: performance.now(), reply: fate.reply.text });
    }
    return fate;
  }

  #note(number: number, fate: MailFate): 'again' | 'on' {
    if (fate.fate === 'accepted') this.#first.delete(number);
    if (fate.fate === 'unknown') this.unknown.add(this.#marker(number));
    if (fate.fate === 'unsent') this.#again.push(number);
    if (fate.fate !== 'refused') return 'on';
    if (fate.reply.code >= 500 || this.#options.temporary === 'end') {
      this.refused.set(this.#marker(number), fate.reply);
      return 'on';
    }
    this.temporaries++;
    this.#again.push(number);
    return 'again';
  }

  #marker(number: number): string {
    return `${this.#options.markerPrefix ?? 'load-'}${number}`;
  }
}

/** Lines of 78 octets (RFC 5322 §2.1.1) and the final dot. */
function bodyOf(sizeInOctets: number): Buffer {
  /** About what the header takes. */
  const header = 200;
  const line = `${'x'.repeat(76)}\r\n`;
  return Buffer.from(
    `${line.repeat(Math.max(1, Math.ceil((sizeInOctets - header) / line.length)))}.\r\n`,
    'latin1',
  );
}
