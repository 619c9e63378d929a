/**
 * One connection at a sink: the server's side of RFC 5321, strict where a client's fault would else be hidden, and
 * with the misbehaviour its rules ask for. All replies to one read go out in one write (RFC 2920 §3.2).
 */
import type { Socket } from 'node:net';
import { TLSSocket, type SecureContext } from 'node:tls';
import { contentOf, ContentReader, headerValue } from './content-reader.js';
import type { RuleBook, SinkRule, Stage } from './rules.js';
import type { ReceivedMail, Tally } from './tally.js';

export interface SessionSettings {
  readonly name: string;
  readonly protocol: 'smtp' | 'lmtp';
  /** EHLO keywords; none: EHLO is not known, only HELO. */
  readonly extensions: readonly string[];
  readonly secureContext?: SecureContext;
  readonly sizeLimit?: number;
  readonly mailsPerConnection?: number;
  readonly markerHeader: string;
  readonly keepMails: boolean;
  readonly rules: () => RuleBook;
  readonly tally: Tally;
  readonly taken?: (mail: { readonly marker: string; readonly recipients: readonly string[] }) => void;
}

interface Transaction {
  readonly reversePath: string;
  readonly mailParameters: string;
  readonly recipients: string[];
}

type Mode = 'command' | 'content' | 'starting-tls' | 'closed';

/** RFC 5321 §4.5.3.1.4, with room for parameters of extensions. */
const longestLine = 2048;

export class SinkSession {
  readonly #settings: SessionSettings;
  readonly #number: number;
  #socket: Socket;
  #mode: Mode = 'command';
  /** A delay is under way: what comes meanwhile waits. */
  #waiting = false;
  #unread: Buffer = Buffer.alloc(0);
  #out = '';
  #helo = '';
  #secure = false;
  #transaction: Transaction | undefined;
  #reader = new ContentReader(false);
  #mails = 0;
  readonly #verbs = new Map<string, (line: string) => void>([
    ['EHLO', (line) => this.#greet('EHLO', line.slice(5))],
    ['HELO', (line) => this.#greet('HELO', line.slice(5))],
    ['LHLO', (line) => this.#greet('LHLO', line.slice(5))],
    ['STARTTLS', () => this.#startTls()],
    ['MAIL', (line) => this.#mail(line)],
    ['RCPT', (line) => this.#rcpt(line)],
    ['DATA', () => this.#data()],
    ['RSET', () => this.#reset()],
    ['NOOP', () => this.#say('250 2.0.0 Ok')],
    ['QUIT', () => this.#quit()],
  ]);

  constructor(socket: Socket, number: number, settings: SessionSettings) {
    this.#socket = socket;
    this.#number = number;
    this.#settings = settings;
    this.#listen();
    this.#ruled('connect', [], `220 ${settings.name} ESMTP sink\r\n`, () => undefined);
    this.#flush();
  }

  destroy(): void {
    this.#mode = 'closed';
    this.#socket.destroy();
  }

  #listen(): void {
    this.#socket.setNoDelay(true);
    this.#socket.on('data', (chunk: Buffer) => {
      this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
      this.#work();
    });
    this.#socket.on('error', () => this.#socket.destroy());
    this.#socket.on('close', () => (this.#mode = 'closed'));
    this.#socket.on('end', () => this.#socket.end());
  }

  #work(): void {
    while (!this.#waiting && this.#unread.length > 0) {
      const went =
        this.#mode === 'content' ? this.#readContent() : this.#mode === 'command' && this.#readCommand();
      if (!went) break;
    }
    this.#flush();
  }

  #flush(): void {
    if (this.#out === '' || !this.#socket.writable) return;
    this.#socket.write(this.#out, 'latin1');
    this.#out = '';
  }

  #readCommand(): boolean {
    const end = this.#unread.indexOf(0x0a);
    if (end === -1) {
      if (this.#unread.length > longestLine) this.#violation('a line without end', '');
      return false;
    }
    const line = this.#unread.toString('latin1', 0, end);
    this.#unread = this.#unread.subarray(end + 1);
    if (!line.endsWith('\r')) this.#violation('a command that ends with a bare LF', line);
    if (this.#unread.length > 0 && !this.#offers('PIPELINING'))
      this.#violation('pipelining that was not offered', line);
    this.#command(line.replace(/\r$/, ''));
    return true;
  }

  #command(line: string): void {
    const space = line.indexOf(' ');
    const act = this.#verbs.get((space === -1 ? line : line.slice(0, space)).toUpperCase());
    if (act === undefined) this.#refuse('500 5.5.2 Command not known', line);
    else act(line);
  }

  #greet(verb: 'EHLO' | 'HELO' | 'LHLO', name: string): void {
    const { extensions, protocol } = this.#settings;
    const right =
      protocol === 'lmtp' ? verb === 'LHLO' : verb === 'HELO' || (verb === 'EHLO' && extensions.length > 0);
    if (!right) {
      this.#say('500 5.5.1 Command not known');
      return;
    }
    const offered = verb === 'HELO' ? [] : extensions.filter((word) => word !== 'STARTTLS' || !this.#secure);
    const lines = [this.#settings.name, ...offered].map(
      (text, index) => `250${index === offered.length ? ' ' : '-'}${text}\r\n`,
    );
    this.#ruled('ehlo', [], lines.join(''), () => {
      this.#helo = name;
      this.#transaction = undefined;
    });
  }

  #startTls(): void {
    const { secureContext } = this.#settings;
    if (secureContext === undefined || this.#secure) {
      this.#say('503 5.5.1 No TLS here');
      return;
    }
    this.#say('220 2.0.0 Go ahead');
    this.#flush();
    if (this.#unread.length > 0) this.#violation('commands behind STARTTLS', '');
    this.#unread = Buffer.alloc(0);
    this.#mode = 'starting-tls';
    this.#socket.removeAllListeners('data');
    this.#socket.removeAllListeners('end');
    const secured = new TLSSocket(this.#socket, { isServer: true, secureContext });
    secured.once('secure', () => {
      this.#secure = true;
      this.#helo = '';
      this.#transaction = undefined;
      if (this.#mode === 'starting-tls') this.#mode = 'command';
      this.#work();
    });
    this.#socket = secured;
    this.#listen();
  }

  #mail(line: string): void {
    const path = /^MAIL FROM:<([^>]*)>(?: (.*))?$/i.exec(line);
    if (path === null) {
      this.#refuse('501 5.5.4 Syntax: MAIL FROM:<address>', line);
      return;
    }
    if (this.#helo === '' || this.#transaction !== undefined) {
      this.#refuse('503 5.5.1 Not now', line);
      return;
    }
    const reversePath = path[1] ?? '';
    const mailParameters = path[2] ?? '';
    const { sizeLimit, mailsPerConnection } = this.#settings;
    const unknown = mailParameters.split(' ').find((word) => word !== '' && !this.#takes(word));
    if (unknown !== undefined) {
      this.#refuse(`555 5.5.4 ${unknown} was not offered`, line);
      return;
    }
    const size = Number(/\bSIZE=([0-9]+)/i.exec(mailParameters)?.[1] ?? 0);
    // RFC 1870 §6.1
    if (sizeLimit !== undefined && size > sizeLimit) {
      this.#say('552 5.3.4 Message too big');
      return;
    }
    if (mailsPerConnection !== undefined && this.#mails >= mailsPerConnection) {
      this.#say('421 4.7.0 Too many messages on one connection');
      this.#close();
      return;
    }
    this.#ruled('mail', [], '250 2.1.0 Ok\r\n', () => {
      this.#transaction = { reversePath, mailParameters, recipients: [] };
    });
  }

  #takes(parameter: string): boolean {
    const key = (parameter.split('=')[0] ?? '').toUpperCase();
    return key === 'BODY' ? this.#offers('8BITMIME') : this.#offers(key);
  }

  #rcpt(line: string): void {
    const path = /^RCPT TO:<([^>]+)>(?: (.*))?$/i.exec(line);
    const recipient = path?.[1];
    if (recipient === undefined) {
      this.#refuse('501 5.5.4 Syntax: RCPT TO:<address>', line);
      return;
    }
    const transaction = this.#transaction;
    // A pipelining client sends RCPT before it knows that MAIL was refused (RFC 2920 §3.1): no violation.
    if (transaction === undefined) {
      this.#say('503 5.5.1 MAIL first');
      return;
    }
    this.#ruled('rcpt', [recipient], '250 2.1.5 Ok\r\n', () => transaction.recipients.push(recipient));
  }

  #data(): void {
    const transaction = this.#transaction;
    if (transaction === undefined) {
      this.#say('503 5.5.1 MAIL first');
      return;
    }
    if (transaction.recipients.length === 0) {
      this.#say('554 5.5.1 No valid recipients');
      return;
    }
    this.#ruled('data', transaction.recipients, '354 End with a dot\r\n', () => {
      this.#reader = new ContentReader(this.#settings.keepMails);
      this.#mode = 'content';
    });
  }

  #readContent(): boolean {
    const recipients = this.#transaction?.recipients ?? [];
    if (this.#reader.octets === 0 && this.#settings.rules().due('content', recipients)?.cut === true) {
      this.#cut();
      return false;
    }
    const end = this.#reader.read(this.#unread);
    this.#unread = end === undefined ? Buffer.alloc(0) : this.#unread.subarray(end);
    if (end === undefined) return false;
    this.#mode = 'command';
    const transaction = this.#transaction;
    this.#transaction = undefined;
    // RFC 2033 §4.2: one reply for each recipient that was accepted.
    const groups =
      this.#settings.protocol === 'smtp' ? [recipients] : recipients.map((recipient) => [recipient]);
    if (transaction !== undefined) this.#endOfData(transaction, groups);
    return true;
  }

  /** The mail's fate for each group of recipients in turn, a reply each. */
  #endOfData(transaction: Transaction, groups: readonly (readonly string[])[]): void {
    const [recipients, ...others] = groups;
    if (recipients === undefined) return;
    const next = (): void => this.#endOfData(transaction, others);
    const { sizeLimit, rules } = this.#settings;
    if (sizeLimit !== undefined && this.#reader.octets > sizeLimit) {
      this.#say('552 5.3.4 Message too big');
      next();
      return;
    }
    const taking = (): void => {
      this.#take({ ...transaction, recipients: [...recipients] });
      this.#apply(rules().due('taken', recipients), '250 2.0.0 Ok: taken\r\n', next, next);
    };
    this.#apply(rules().due('dot', recipients), '', taking, next);
  }

  #take(transaction: Transaction): void {
    const raw = this.#reader.raw();
    const { tally, markerHeader, keepMails, taken } = this.#settings;
    const marker = headerValue(raw, markerHeader) ?? '';
    const { recipients } = transaction;
    this.#mails++;
    tally.count(marker, recipients.length);
    if (keepMails) tally.kept.push(this.#received(transaction, marker, raw));
    taken?.({ marker, recipients });
  }

  #received(transaction: Transaction, marker: string, raw: Buffer): ReceivedMail {
    return {
      ...transaction,
      marker,
      helo: this.#helo,
      tls: this.#secure,
      connection: this.#number,
      ofConnection: this.#mails,
      octets: this.#reader.octets,
      content: contentOf(raw),
    };
  }

  /** The usual reply and its consequence, unless a rule says otherwise. */
  #ruled(stage: Stage, recipients: readonly string[], usual: string, then: () => void): void {
    this.#apply(this.#settings.rules().due(stage, recipients), usual, then);
  }

  /** `refused` follows when a rule's reply took the place of the usual one. */
  #apply(rule: SinkRule | undefined, usual: string, then: () => void, refused?: () => void): void {
    const act = (): void => {
      if (rule?.cut === true) {
        this.#cut();
        return;
      }
      if (rule?.reply !== undefined) {
        this.#say(rule.reply);
        if (rule.reply.startsWith('421') || (rule.at === 'connect' && !rule.reply.startsWith('2'))) {
          this.#close();
          return;
        }
        return refused?.();
      }
      this.#out += usual;
      then();
    };
    if (rule?.delay === undefined) {
      act();
      return;
    }
    this.#waiting = true;
    this.#flush();
    setTimeout(() => {
      if (this.#mode === 'closed') return;
      this.#waiting = false;
      act();
      this.#work();
    }, rule.delay).unref();
  }

  #reset(): void {
    this.#transaction = undefined;
    this.#say('250 2.0.0 Ok');
  }

  #quit(): void {
    this.#say('221 2.0.0 Bye');
    this.#close();
  }

  #offers(keyword: string): boolean {
    return this.#settings.extensions.some((word) => word === keyword || word.startsWith(`${keyword} `));
  }

  #say(text: string): void {
    this.#out += `${text}\r\n`;
  }

  #refuse(reply: string, line: string): void {
    this.#violation(reply, line);
    this.#say(reply);
  }

  #violation(what: string, line: string): void {
    this.#settings.tally.violation(line === '' ? what : `${what}: ${line.trimEnd()}`);
  }

  #close(): void {
    this.#flush();
    this.#mode = 'closed';
    this.#socket.end();
  }

  #cut(): void {
    this.#mode = 'closed';
    this.#out = '';
    this.#socket.resetAndDestroy();
  }
}
