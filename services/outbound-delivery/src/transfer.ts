/**
 * Mails over one ready session: MAIL RCPT DATA → 354 → content → 250, and with PIPELINING the next mail's MAIL RCPT
 * DATA in the same write as the content of this one (RFC 2920 §3.1): one round trip a mail.
 */
import type { Diagnostic } from '@postrider/mail';
import type { Job, JobRecipient, JobResult, RecipientOutcome } from '@postrider/protocol';
import { DotStuffer, sizeLimit, stuffed, type ServerReply } from '@postrider/smtp';
import type { ReadySession } from './greet.js';
import { timeouts, type SmtpConnection } from './smtp-connection.js';
import {
  badConnection,
  brokenAt,
  contentMissing,
  diagnosticOf,
  endsSession,
  messageTooBig,
  needs8Bit,
  outcomeOf,
  SessionLost,
} from './trouble.js';

export interface TransferOptions {
  readonly session: ReadySession;
  readonly lmtp: boolean;
  /** The next job that is there right now, for pipelining. */
  readonly next: () => Job | undefined;
  readonly done: (job: Job, outcomes: readonly RecipientOutcome[]) => void;
  /** Chunks of a large content. */
  readonly largeContent: (job: Job) => AsyncIterable<Uint8Array>;
}

const final = '.\r\n';

export class Transfer {
  readonly #options: TransferOptions;
  readonly #connection: SmtpConnection;
  readonly #pipelining: boolean;
  /** The server said 421, or something after which the session means nothing. */
  ended = false;
  /** Mails that have got all their replies. */
  mails = 0;
  /** Its envelope has been sent with the content of the mail before. */
  #following: Job | undefined;

  constructor(options: TransferOptions) {
    this.#options = options;
    this.#connection = options.session.connection;
    this.#pipelining = options.session.extensions.has('PIPELINING');
  }

  /** This mail and those that follow it without a pause. @throws SessionLost after giving outcomes for what was under way */
  async run(first: Job): Promise<void> {
    let job = this.#acceptable(first);
    if (job && this.#pipelining) this.#connection.write(this.#envelope(job));
    while (job && !this.ended) {
      const mail = new MailUnderWay(job);
      try {
        job = await this.#one(mail);
      } catch (error) {
        if (!(error instanceof SessionLost)) throw error;
        // A server may close a session that it has had enough of: what it never answered to wasn't tried.
        const outcome = this.mails > 0 && !mail.answered ? 'untried' : brokenAt(mail.dotSent);
        this.#finish(mail, mail.open, { outcome, diagnostic: error.diagnostic });
        this.#giveBackFollowing(error.diagnostic);
        throw error;
      }
    }
  }

  #giveBackFollowing(diagnostic: Diagnostic): void {
    const following = this.#following && new MailUnderWay(this.#following);
    this.#following = undefined;
    if (following) this.#finish(following, following.open, { outcome: 'untried', diagnostic });
  }

  /** @returns the mail whose envelope is on its way already */
  async #one(mail: MailUnderWay): Promise<Job | undefined> {
    const accepted = await this.#envelopeReplies(mail);
    let following: Job | undefined;
    if (accepted.length > 0) {
      following = await this.#sendContent(mail);
      await this.#contentReplies(mail, accepted);
    }
    this.#report(mail);
    this.mails++;
    if (following) {
      this.#following = undefined;
      if (!this.ended) return following;
      const unread = new MailUnderWay(following);
      this.#finish(unread, unread.open, {
        outcome: 'untried',
        diagnostic: badConnection('the server ended the session'),
      });
      return undefined;
    }
    const next = this.ended ? undefined : this.#nextAcceptable();
    if (next && this.#pipelining) this.#connection.write(this.#envelope(next));
    return next;
  }

  /** @returns the recipients that wait for the content's reply; the server waits for content when there are some */
  async #envelopeReplies(mail: MailUnderWay): Promise<readonly JobRecipient[]> {
    const { recipients } = mail.job.envelope;
    const [mailLine = '', ...rest] = this.#envelope(mail.job);
    if (!this.#pipelining) this.#connection.write([mailLine]);
    const mailReply = await this.#reply(timeouts.mail);
    mail.answered = true;
    if (!this.#pipelining && outcomeOf(mailReply) !== 'relayed') {
      this.#refuse(mail, recipients, mailReply);
      return this.#reset();
    }
    const accepted: JobRecipient[] = [];
    for (const [index, recipient] of recipients.entries()) {
      if (!this.#pipelining) this.#connection.write([rest[index] ?? '']);
      const reply = await this.#reply(timeouts.rcpt);
      if (outcomeOf(mailReply) !== 'relayed') continue;
      if (outcomeOf(reply) === 'relayed') accepted.push(recipient);
      else this.#refuse(mail, [recipient], reply);
    }
    if (!this.#pipelining && accepted.length === 0) return this.#reset();
    if (!this.#pipelining) this.#connection.write(['DATA\r\n']);
    const dataReply = await this.#reply(timeouts.data);
    if (outcomeOf(mailReply) !== 'relayed') this.#refuse(mail, recipients, mailReply);
    if (dataReply.code === 354 && accepted.length > 0) return accepted;
    // RFC 2920 §3.1: a server may ask for content though it took no recipient; it gets none.
    if (dataReply.code === 354) {
      this.#connection.write([final]);
      await this.#reply(timeouts.content);
      return [];
    }
    if (accepted.length > 0) this.#refuse(mail, accepted, dataReply);
    return this.#reset();
  }

  /** After an envelope that led to no content: the server's transaction is still open, and the next MAIL would be 503. */
  async #reset(): Promise<readonly JobRecipient[]> {
    if (this.ended) return [];
    this.#connection.write(['RSET\r\n']);
    await this.#reply(timeouts.mail);
    return [];
  }

  async #sendContent(mail: MailUnderWay): Promise<Job | undefined> {
    const { job } = mail;
    if (!job.content) {
      await this.#streamContent(mail);
      mail.dotSent = true;
      this.#connection.write([final]);
      return undefined;
    }
    const following = this.#pipelining ? this.#nextAcceptable() : undefined;
    this.#following = following;
    mail.dotSent = true;
    this.#connection.write([
      ...stuffed(asBuffer(job.content)),
      final,
      ...(following ? this.#envelope(following) : []),
    ]);
    await this.#connection.drained();
    return following;
  }

  /** A chunk at a time, as fast as the server takes them. A content that fails midway breaks the session off. */
  async #streamContent(mail: MailUnderWay): Promise<void> {
    const stuffer = new DotStuffer();
    try {
      for await (const chunk of this.#options.largeContent(mail.job))
        if (!this.#connection.write(stuffer.push(asBuffer(chunk)))) await this.#connection.drained();
    } catch (error) {
      if (error instanceof SessionLost) throw error;
      // Without its final dot the server drops what it has (RFC 5321 §4.1.1.4).
      this.#connection.end();
      const diagnostic = contentMissing(error instanceof Error ? error.message : String(error));
      throw new SessionLost(diagnostic.text, diagnostic);
    }
  }

  async #contentReplies(mail: MailUnderWay, accepted: readonly JobRecipient[]): Promise<void> {
    // RFC 2033 §4.2: a reply for each accepted recipient.
    const groups = this.#options.lmtp ? accepted.map((recipient) => [recipient]) : [accepted];
    for (const group of groups) {
      const reply = await this.#reply(timeouts.content);
      const outcome = outcomeOf(reply);
      mail.add(group, {
        outcome: outcome === 'relayed' && this.#options.lmtp ? 'delivered' : outcome,
        diagnostic: this.#diagnostic(reply),
      });
    }
  }

  async #reply(within: number): Promise<ServerReply> {
    const reply = await this.#connection.reply(within);
    if (endsSession(reply)) this.ended = true;
    return reply;
  }

  #refuse(mail: MailUnderWay, recipients: readonly JobRecipient[], reply: ServerReply): void {
    const outcome = outcomeOf(reply);
    mail.add(recipients, {
      outcome: outcome === 'relayed' ? 'temporary' : outcome,
      diagnostic: this.#diagnostic(reply),
    });
  }

  #diagnostic(reply: ServerReply) {
    return diagnosticOf(reply, this.#connection.remoteMta);
  }

  /** The next job that this server can take at all; others get their outcome here. */
  #nextAcceptable(): Job | undefined {
    for (let job = this.#options.next(); job; job = this.#options.next()) {
      const acceptable = this.#acceptable(job);
      if (acceptable) return acceptable;
    }
    return undefined;
  }

  #acceptable(job: Job): Job | undefined {
    const { extensions } = this.#options.session;
    const { sizeInOctets, body } = job.envelope;
    const limit = sizeLimit(extensions);
    const { remoteMta } = this.#connection;
    const mail = new MailUnderWay(job);
    if (limit !== undefined && sizeInOctets > limit)
      this.#finish(mail, mail.open, {
        outcome: 'permanent',
        diagnostic: messageTooBig(sizeInOctets, limit, remoteMta),
      });
    else if (body === '8BITMIME' && !extensions.has('8BITMIME'))
      this.#finish(mail, mail.open, { outcome: 'permanent', diagnostic: needs8Bit(remoteMta) });
    else return job;
    return this.#nextAcceptable();
  }

  /** MAIL, each RCPT, DATA: as one write with pipelining, else line by line. */
  #envelope({ envelope }: Job): readonly string[] {
    const { extensions } = this.#options.session;
    const size = extensions.has('SIZE') ? ` SIZE=${envelope.sizeInOctets}` : '';
    const body = envelope.body === '8BITMIME' && extensions.has('8BITMIME') ? ' BODY=8BITMIME' : '';
    return [
      `MAIL FROM:<${envelope.reversePath}>${size}${body}\r\n`,
      ...envelope.recipients.map(({ forwardPath }) => `RCPT TO:<${forwardPath}>\r\n`),
      'DATA\r\n',
    ];
  }

  #finish(
    mail: MailUnderWay,
    recipients: readonly JobRecipient[],
    result: Pick<RecipientOutcome, 'outcome' | 'diagnostic'>,
  ): void {
    mail.add(recipients, result);
    this.#report(mail);
  }

  #report(mail: MailUnderWay): void {
    this.#options.done(mail.job, mail.outcomes);
  }
}

/** A mail between its MAIL and its last outcome. */
class MailUnderWay {
  dotSent = false;
  /** The server has replied to its MAIL. */
  answered = false;
  readonly outcomes: JobResult['outcomes'][number][] = [];
  readonly job: Job;
  open: readonly JobRecipient[];

  constructor(job: Job) {
    this.job = job;
    this.open = job.envelope.recipients;
  }

  add(
    recipients: readonly JobRecipient[],
    { outcome, diagnostic }: Pick<RecipientOutcome, 'outcome' | 'diagnostic'>,
  ): void {
    if (recipients.length === 0) return;
    this.open = this.open.filter((recipient) => !recipients.includes(recipient));
    this.outcomes.push({ recipients: recipients.map(({ index }) => index), outcome, diagnostic });
  }
}

const asBuffer = (octets: Uint8Array): Buffer =>
  Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
