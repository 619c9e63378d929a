/**
 * ready → { MAIL RCPT DATA → content, with the next mail's MAIL RCPT DATA behind it → reply } → QUIT → closed
 *
 * Mails over one ready session, as a state machine. The content of a mail may be the first 'command' of a group and DATA
 * must be its last one (RFC 2920 §3.1): so each mail takes one write and one round trip where PIPELINING is offered.
 */
import type { Diagnostic } from '@postrider/mail';
import type { ChannelEnd, Job, RecipientOutcome } from '@postrider/protocol';
import { stuffed, type ServerReply } from '@postrider/smtp';
import { withoutReturnPath } from '../return-path.js';
import type { Offer } from './offer.js';
import { notInTime } from './scheduling-parameters.js';
import type { Stage } from './stages.js';
import { Transaction } from './transaction.js';
import {
  aheadOfItsTurn,
  contentUnreadable,
  diagnosticOf,
  endsSession,
  isUnderstood,
  sessionAbandoned,
  sessionLost,
  sessionRefused,
  unacceptable,
  unsendable,
  type Verdict,
} from './trouble.js';

export interface TransferOutput {
  /** In one write. */
  write(...parts: readonly (Buffer | string)[]): void;
  /** Sends the job's large content, block by block; `streamed` or `unreadable` follows. */
  stream(job: Job): void;
  /** The next job that is there right now. */
  take(): Job | undefined;
  done(job: Job, outcomes: readonly RecipientOutcome[]): void;
  /** What the server says makes no sense: the session is to be broken off. */
  giveUp(text: string): void;
  /** Milliseconds since the epoch. */
  now(): number;
  /** It is over. */
  end(end: TransferEnd): void;
}

/** `worn`: this session has had its share of mails, the channel goes on with another. */
export type TransferEnd = ChannelEnd | { readonly reason: 'worn' };

/** A session is not kept for ever: next hops move, and balancers like to share anew. */
export const mailsPerSession = 1000;

const finalDot = '.\r\n';

export class Transfer {
  readonly #offer: Offer;
  readonly #output: TransferOutput;
  #current: Transaction | undefined;
  /** Its envelope is on the way behind the content of the current one. */
  #following: Transaction | undefined;
  #begun = 0;
  /** Mails that the server has answered to the end. */
  #through = 0;
  #resetDue = false;
  #finishing = false;
  #quitting: 'idle' | 'closed' | 'worn' | undefined;

  constructor(offer: Offer, output: TransferOutput) {
    this.#offer = offer;
    this.#output = output;
  }

  /** What is awaited. */
  get stage(): Stage {
    if (this.#quitting !== undefined) return 'quit';
    const stage = this.#current?.stage ?? 'idle';
    return stage === 'ended' ? 'idle' : stage;
  }

  /** Jobs wait, or the session has just become ready. */
  offered(): void {
    if (this.#quitting !== undefined) return;
    if (this.#current === undefined) this.#goOn();
    else if (this.#current.stage === 'content') this.#follow('');
  }

  /** No more jobs will come than there are now. */
  finish(): void {
    this.#finishing = true;
    this.offered();
  }

  replied(reply: ServerReply): void {
    const mail = this.#current;
    if (this.#quitting !== undefined) this.#output.end({ reason: this.#quitting });
    else if (mail === undefined) this.#unasked(reply);
    else if (!isUnderstood(this.stage, reply))
      this.#output.giveUp(`unexpected reply '${diagnosticOf(reply, '').text}'`);
    else if (endsSession(reply))
      this.#close(mail, sessionRefused(reply, mail.progress(this.#through), this.#offer.host));
    else if (mail.stage === 'block') this.#refusedMidway(mail, reply);
    else {
      mail.replied(reply);
      this.#proceed(mail);
    }
  }

  /** The large content is sent. @param atLineStart its last line has its end */
  streamed(atLineStart: boolean): void {
    const mail = this.#current;
    if (mail?.stage !== 'block') return;
    if (mail.isBinary) this.#sent(mail, '');
    else this.#sent(mail, atLineStart ? finalDot : `\r\n${finalDot}`);
  }

  /** @returns false when this piece of a large content can't go there: the mail is over, and the session */
  mayStream(piece: Uint8Array): boolean {
    const verdict = unsendable(piece, this.#offer);
    if (verdict !== undefined && this.#current) this.#close(this.#current, verdict);
    return verdict === undefined;
  }

  /** Without its final dot the server drops what it has (RFC 5321 §4.1.1.4): there is no other way back. */
  unreadable(text: string): void {
    if (this.#current) this.#close(this.#current, contentUnreadable(text));
  }

  /** Nothing has come for as long as an idle session is kept. */
  idled(): void {
    if (this.#current === undefined) this.#quit('idle');
  }

  /** The connection is gone, or of no more use. */
  broken(diagnostic: Diagnostic): TransferEnd {
    if (this.#quitting !== undefined) return { reason: this.#quitting };
    const mail = this.#current;
    // A server may end what is idle (RFC 5321 §4.5.3.2.7), but not before it has done anything.
    if (mail === undefined) return this.#through > 0 ? { reason: 'idle' } : { reason: 'lost', diagnostic };
    this.#settle(mail, sessionLost(diagnostic, mail.progress(this.#through)));
    this.#returnFollowing(diagnostic.text);
    return { reason: 'lost', diagnostic };
  }

  /** The worker can't wait any longer. */
  abandon(): void {
    const mail = this.#current;
    if (mail) this.#close(mail, sessionAbandoned(mail.progress(this.#through)));
    else this.#output.end({ reason: 'closed' });
  }

  #proceed(mail: Transaction): void {
    if (mail.stage === 'block') this.#sendContent(mail);
    else if (mail.stage === 'ended') this.#ended(mail);
    else if (!this.#offer.pipelining) this.#write(mail.commands());
  }

  #sendContent(mail: Transaction): void {
    const { content } = mail.job;
    if (mail.accepted.length === 0) this.#sendNothing(mail);
    else if (content === undefined) this.#output.stream(mail.job);
    else {
      // Behind LMTP it is delivered, not relayed (RFC 2033 §1).
      const octets = this.#offer.lmtp
        ? withoutReturnPath(content)
        : Buffer.from(content.buffer, content.byteOffset, content.byteLength);
      if (mail.isBinary) this.#sent(mail, '', Buffer.concat([bdatCommand(octets.length), octets]));
      else this.#sent(mail, endsLine(octets) ? finalDot : `\r\n${finalDot}`, stuffed(octets));
    }
  }

  /** RFC 2920 §3.1: a single dot; but LMTP has no reply to wait for then, and must not ask (RFC 2033 §4.2). */
  #sendNothing(mail: Transaction): void {
    if (this.#offer.lmtp) this.#output.giveUp('content asked for without recipients');
    else this.#sent(mail, finalDot);
  }

  #sent(mail: Transaction, end: string, content?: Buffer): void {
    mail.sent();
    this.#follow(end, content);
  }

  /** Writes what there is, and behind it the envelope of the next mail, if one waits. */
  #follow(text: string, content?: Buffer): void {
    let envelope = '';
    if (this.#offer.pipelining && this.#following === undefined) {
      this.#following = this.#begin();
      envelope = this.#following?.commands() ?? '';
    }
    this.#write(text + envelope, content);
  }

  #ended(mail: Transaction): void {
    this.#through++;
    this.#resetDue = mail.leftOpen;
    this.#current = this.#following;
    this.#following = undefined;
    this.#output.done(mail.job, mail.outcomes);
    if (this.#current === undefined) this.#goOn();
  }

  #goOn(): void {
    this.#current = this.#begin();
    if (this.#current) this.#write(this.#current.commands());
    else if (this.#begun >= mailsPerSession) this.#quit('worn');
    else if (this.#finishing) this.#quit('closed');
  }

  /** The next job that this server can take at all; others get their outcome here. */
  #begin(): Transaction | undefined {
    while (this.#begun < mailsPerSession) {
      const job = this.#output.take();
      if (job === undefined) return undefined;
      const now = this.#output.now();
      const verdict = unacceptable(job, this.#offer) ?? notInTime(job.envelope.scheduling, this.#offer, now);
      if (verdict === undefined) {
        this.#begun++;
        const transaction = new Transaction(job, this.#offer, this.#resetDue, now);
        this.#resetDue = false;
        return transaction;
      }
      this.#output.done(job, outcomesOf(job, verdict));
    }
    return undefined;
  }

  /** RFC 5321 §3.8: a server that shuts down says so unasked. */
  #unasked(reply: ServerReply): void {
    if (endsSession(reply)) this.#output.end({ reason: 'closed' });
    else this.#output.giveUp(`unasked reply '${diagnosticOf(reply, '').text}'`);
  }

  #refusedMidway(mail: Transaction, reply: ServerReply): void {
    mail.replied(reply);
    this.#finishWith(mail);
  }

  /** The session ends with this mail, which ends with this verdict. */
  #close(mail: Transaction, verdict: Verdict): void {
    mail.settle(verdict);
    this.#finishWith(mail);
  }

  #finishWith(mail: Transaction): void {
    this.#current = undefined;
    this.#output.done(mail.job, mail.outcomes);
    this.#returnFollowing('the session ended ahead of its turn');
    this.#output.end({ reason: 'closed' });
  }

  #settle(mail: Transaction, verdict: Verdict): void {
    this.#current = undefined;
    mail.settle(verdict);
    this.#output.done(mail.job, mail.outcomes);
  }

  #returnFollowing(text: string): void {
    const { job } = this.#following ?? {};
    this.#following = undefined;
    if (job) this.#output.done(job, outcomesOf(job, aheadOfItsTurn(text)));
  }

  #quit(reason: 'idle' | 'closed' | 'worn'): void {
    this.#quitting = reason;
    this.#write('QUIT\r\n');
  }

  #write(text: string, content?: Buffer): void {
    if (content !== undefined) this.#output.write(content, text);
    else if (text !== '') this.#output.write(text);
  }
}

/** All that is left of the content, which is all of it (RFC 3030 §2). */
export const bdatCommand = (octets: number): Buffer => Buffer.from(`BDAT ${octets} LAST\r\n`);

const endsLine = (octets: Buffer): boolean =>
  octets.length === 0 || (octets[octets.length - 2] === 0x0d && octets[octets.length - 1] === 0x0a);

const outcomesOf = ({ envelope }: Job, verdict: Verdict): readonly RecipientOutcome[] => [
  { recipients: envelope.recipients.map(({ index }) => index), ...verdict },
];
