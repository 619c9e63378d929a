/**
 * [RSET →] MAIL → RCPT … → DATA → content → reply
 *
 * One mail at one server, as a state machine: the stage is what is awaited next. With PIPELINING its commands went out
 * in one group and all of them are answered, the refused ones' successors too (RFC 2920 §3.1); without, a refusal ends it.
 */
import type { Job, JobRecipient, RecipientOutcome } from '@postrider/protocol';
import type { ServerReply } from '@postrider/smtp';
import { mailCommand, rcptCommand } from './commands.js';
import type { Offer } from './offer.js';
import { dropsDeliverBy, schedulingParameters } from './scheduling-parameters.js';
import type { Stage } from './stages.js';
import { recipientRefused, refused, taken, type Progress, type Verdict } from './trouble.js';

/** `block`: the server waits for the content; `ended`: nothing more is awaited. */
export type TransactionStage =
  Extract<Stage, 'rset' | 'mail' | 'rcpt' | 'data' | 'block' | 'content'> | 'ended';

export class Transaction {
  readonly job: Job;
  stage: TransactionStage;
  /** The server still has its MAIL: the next transaction begins with RSET. */
  leftOpen = false;
  /** By recipient, grouped; complete once it has ended. */
  readonly outcomes: RecipientOutcome[] = [];
  readonly #offer: Offer;
  readonly #begunAt: number;
  readonly #deliverByDropped: boolean;
  readonly #accepted: JobRecipient[] = [];
  /** Recipients that have an outcome; `all` of them in the ordinary course of things. */
  #settled: Set<JobRecipient> | 'all' | undefined;
  #answered = false;
  #dotSent = false;
  #mailAccepted = false;
  /** Which recipient's reply is awaited, at RCPT and with LMTP behind the content. */
  #next = 0;

  /** @param begunAt milliseconds since the epoch */
  constructor(job: Job, offer: Offer, afterReset: boolean, begunAt: number) {
    this.job = job;
    this.#offer = offer;
    this.#begunAt = begunAt;
    this.#deliverByDropped = dropsDeliverBy(job.envelope.scheduling, offer, begunAt);
    this.stage = afterReset ? 'rset' : 'mail';
  }

  /** Recipients that the content is for. */
  get accepted(): readonly JobRecipient[] {
    return this.#accepted;
  }

  /** Its content goes by BDAT, after the replies to RCPT (RFC 3030 §3). */
  get isBinary(): boolean {
    return this.job.envelope.body === 'BINARYMIME';
  }

  progress(mailsBefore: number): Progress {
    return { answered: this.#answered, dotSent: this.#dotSent, mailsBefore };
  }

  /** What is to be said now, as far as the server allows it in one go. */
  commands(): string {
    if (!this.#offer.pipelining) return this.#command(this.stage);
    let group = this.stage === 'rset' ? this.#command('rset') : '';
    group += this.#command('mail');
    for (const recipient of this.job.envelope.recipients) group += this.#rcpt(recipient);
    return this.isBinary ? group : `${group}DATA\r\n`;
  }

  /** The next reply that is its own. */
  replied(reply: ServerReply): void {
    this.#answered = true;
    switch (this.stage) {
      case 'rset':
        this.stage = 'mail';
        break;
      case 'mail':
        this.#mailReplied(reply);
        break;
      case 'rcpt':
        this.#rcptReplied(reply);
        break;
      case 'data':
        this.#dataReplied(reply);
        break;
      case 'block':
        // Ahead of the final dot: the server has seen enough of it.
        this.settle(refused(reply, this.#offer.host));
        break;
      case 'content':
        this.#contentReplied(reply);
        break;
      case 'ended':
        break;
    }
  }

  /** The content and its final dot are on the way. */
  sent(): void {
    this.#dotSent = true;
    this.#next = 0;
    this.stage = 'content';
  }

  /** All recipients that have no outcome yet get this one; it has ended. */
  settle(verdict: Verdict): void {
    const { recipients } = this.job.envelope;
    const settled = this.#settled;
    this.stage = 'ended';
    if (settled === 'all') return;
    this.#add(settled === undefined ? recipients : recipients.filter((one) => !settled.has(one)), verdict);
  }

  #command(stage: TransactionStage): string {
    const { envelope } = this.job;
    switch (stage) {
      case 'rset':
        return 'RSET\r\n';
      case 'mail':
        return mailCommand(envelope, this.#offer, this.#scheduling());
      case 'rcpt':
        return this.#rcpt(envelope.recipients[this.#next] ?? { forwardPath: '' });
      case 'data':
        return 'DATA\r\n';
      case 'block':
      case 'content':
      case 'ended':
        return '';
    }
  }

  #rcpt(recipient: Omit<JobRecipient, 'index'>): string {
    return rcptCommand(recipient, this.#offer, this.#deliverByDropped);
  }

  #scheduling(): string {
    return schedulingParameters(this.job.envelope.scheduling, this.#offer, this.#begunAt);
  }

  #mailReplied(reply: ServerReply): void {
    this.#mailAccepted = reply.code < 300;
    this.stage = 'rcpt';
    if (this.#mailAccepted) return;
    this.settle(refused(reply, this.#offer.host));
    if (this.#offer.pipelining) this.stage = 'rcpt';
  }

  #rcptReplied(reply: ServerReply): void {
    const { recipients } = this.job.envelope;
    const recipient = recipients[this.#next++];
    if (this.#mailAccepted && recipient !== undefined) this.#recipientReplied(recipient, reply);
    if (this.#next < recipients.length) return;
    if (this.isBinary && this.#accepted.length > 0) this.stage = 'block';
    else if (!this.isBinary && (this.#offer.pipelining || this.#accepted.length > 0)) this.stage = 'data';
    else this.#endWithoutContent();
  }

  #recipientReplied(recipient: JobRecipient, reply: ServerReply): void {
    if (reply.code < 300) this.#accepted.push(recipient);
    else this.#add([recipient], recipientRefused(reply, this.#accepted.length, this.#offer.host));
  }

  #dataReplied(reply: ServerReply): void {
    // A server may ask for content though it took no recipient (RFC 2920 §3.1): it gets an empty one.
    if (reply.code === 354) {
      this.stage = 'block';
      return;
    }
    if (this.#accepted.length > 0) this.#add(this.#accepted, refused(reply, this.#offer.host));
    this.#endWithoutContent();
  }

  #endWithoutContent(): void {
    this.leftOpen = this.#mailAccepted;
    this.stage = 'ended';
  }

  /** RFC 2033 §4.2: with LMTP a reply for each accepted recipient, in their order. */
  #contentReplied(reply: ServerReply): void {
    const { host, lmtp } = this.#offer;
    const one = this.#accepted[this.#next++];
    const about = lmtp && one !== undefined ? [one] : this.#accepted;
    this.#add(about, reply.code < 300 ? this.#taken(reply) : refused(reply, host));
    if (!lmtp || this.#next >= this.#accepted.length) this.stage = 'ended';
  }

  #taken(reply: ServerReply): Verdict {
    const verdict = taken(reply, this.#offer);
    return this.#deliverByDropped ? { ...verdict, deliverByDropped: true } : verdict;
  }

  #remember(recipients: readonly JobRecipient[]): void {
    const before = this.#settled instanceof Set ? this.#settled : undefined;
    if ((before?.size ?? 0) + recipients.length >= this.job.envelope.recipients.length) {
      this.#settled = 'all';
      return;
    }
    const settled = before ?? new Set();
    for (const recipient of recipients) settled.add(recipient);
    this.#settled = settled;
  }

  /** Recipients of one kind share a record. */
  #add(recipients: readonly JobRecipient[], verdict: Verdict): void {
    if (recipients.length === 0) return;
    const { outcome, diagnostic } = verdict;
    this.#remember(recipients);
    const indexes = recipients.map(({ index }) => index);
    const at = this.outcomes.findIndex(
      (other) =>
        other.outcome === outcome &&
        other.diagnostic.text === diagnostic.text &&
        other.diagnostic.status === diagnostic.status,
    );
    const same = this.outcomes[at];
    if (same === undefined) this.outcomes.push({ recipients: indexes, ...verdict });
    else this.outcomes[at] = { ...same, recipients: [...same.recipients, ...indexes] };
  }
}
