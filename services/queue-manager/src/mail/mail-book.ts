/**
 * The live mails of a shard by id, and the window: how many of them may be in memory with their contents. What is
 * over it stays unread in the log, or in DEFER.
 */
import type { Diagnostic, MailId } from '@postrider/mail';
import type { MailFilter } from '@postrider/protocol';
import type { QueueMail } from './queue-mail.js';
import { StowedMails } from './stowed-mails.js';

/** Enough that 20 channels to each of some hundred sites never wait for the log; at 5 kB they hold about 100 MB. */
const windowMails = 20_000;
/** Contents in memory a shard. */
const windowOctets = 64 * 1024 * 1024;
/** Ended mails that `lookup` still knows. */
const endedRemembered = 1_000;

/** Held mails that are asked for their age each second. */
const heldLooked = 1_000;

export class MailBook {
  readonly #mails = new Map<MailId, QueueMail>();
  readonly #stowed = new StowedMails();
  /** A ring. */
  readonly #ended: QueueMail[] = [];
  #endedAt = 0;
  readonly #waitingForRoom: (() => void)[] = [];
  #active = 0;
  #octets = 0;
  readonly #held = new Set<QueueMail>();
  #resting = 0;
  /** Mails that left the window so far: a window that is full and does not move is seen by it. */
  departures = 0;

  /** To act on it: where it is stowed, it is taken out. */
  get(id: MailId): QueueMail | undefined {
    const known = this.#mails.get(id);
    if (known !== undefined || this.#stowed.size === 0) return known;
    const mail = this.#stowed.take(id);
    if (mail !== undefined) this.#mails.set(id, mail);
    return mail;
  }

  /** To look at it. */
  peek(id: MailId): QueueMail | undefined {
    return this.#mails.get(id) ?? this.#stowed.peek(id);
  }

  /** To look at it, also when it has ended a while ago. */
  lookup(id: MailId): QueueMail | undefined {
    return this.peek(id) ?? this.#ended.findLast((mail) => mail.id === id);
  }

  /** To look at them: those that may match the filter, and all that do. */
  *candidates({ ids, address, domain, below, state = 'deferred' }: MailFilter): Generator<QueueMail> {
    if (ids !== undefined) yield* ids.flatMap((id) => this.peek(id) ?? []);
    else {
      yield* this.#mails.values();
      if (state === 'deferred') yield* this.#stowed.all((address ?? domain ?? below)?.toLowerCase());
    }
  }

  /** Of each recipient that waits for its time: where it went last, and why it waits. */
  *reasons(): Generator<{ readonly site: string | undefined; readonly diagnostic: Diagnostic | undefined }> {
    for (const { state, open } of this.#mails.values()) if (state === 'resting') yield* open;
    yield* this.#stowed.reasons();
  }

  /** One that rests leaves its object, if it is simple enough. @returns its row; undefined: it stays as it is */
  stow(mail: QueueMail): number | undefined {
    if (!StowedMails.takes(mail) || this.#mails.get(mail.id) !== mail) return undefined;
    this.#mails.delete(mail.id);
    return this.#stowed.stow(mail);
  }

  /** The time of a stowed mail has come. @returns undefined when it has another by now */
  due(row: number): QueueMail | undefined {
    const mail = this.#stowed.due(row);
    if (mail !== undefined && !this.#mails.has(mail.id) && mail.state !== 'ended')
      this.#mails.set(mail.id, mail);
    return mail;
  }

  /** A mail comes in, in whatever state it is. */
  add(mail: QueueMail): void {
    this.#mails.set(mail.id, mail);
    this.#count(mail, 1);
    if (mail.content !== undefined) this.enter(mail);
  }

  enter(mail: QueueMail): void {
    if (mail.inWindow) return;
    mail.inWindow = true;
    this.#active++;
    this.#octets += mail.octets;
  }

  /** Its content is given back. */
  leave(mail: QueueMail): void {
    this.#depart(mail);
    mail.pack();
  }

  /** The content was read: it counts from now on. */
  loaded(mail: QueueMail, content: Uint8Array): void {
    if (mail.inWindow) this.#octets += content.byteLength - mail.octets;
    mail.content = content;
  }

  /** @throws when it is stowed: that object is not the mail any more */
  to(mail: QueueMail, state: QueueMail['state']): void {
    if (mail.stowed) throw new Error(`${mail.id} is stowed`);
    if (mail.state === state) return;
    this.#count(mail, -1);
    mail.state = state;
    this.#count(mail, 1);
    if (state === 'ended') this.#end(mail);
  }

  room(): boolean {
    return this.#active < windowMails && this.#octets < windowOctets;
  }

  /** Less than half of the window is used. */
  plenty(): boolean {
    return this.#active < windowMails / 2 && this.#octets < windowOctets / 2;
  }

  whenRoom(): Promise<void> {
    return this.room() ? Promise.resolve() : new Promise((resolve) => this.#waitingForRoom.push(resolve));
  }

  /** Nobody waits for room any more. */
  close(): void {
    for (const resolve of this.#waitingForRoom.splice(0)) resolve();
  }

  figures(): {
    readonly active: number;
    readonly deferred: number;
    readonly held: number;
    readonly contentOctets: number;
  } {
    const live = this.#mails.size + this.#stowed.size;
    const active = live - this.#resting - this.#held.size;
    return { active, deferred: this.#resting, held: this.#held.size, contentOctets: this.#octets };
  }

  /** When the oldest live mail was accepted. The map is in log order: the first ones are about the oldest. */
  oldestAt(): number | undefined {
    const { value } = this.#mails.values().next();
    return earlier(value?.acceptedAt, this.#stowed.oldestAt());
  }

  /** Of the deferred ones; what stands before it in the map is at most the window and what is held. */
  oldestDeferredAt(): number | undefined {
    const stowed = this.#stowed.oldestAt();
    if (this.#resting <= this.#stowed.size) return stowed;
    for (const { state, acceptedAt } of this.#mails.values())
      if (state === 'resting') return earlier(acceptedAt, stowed);
    return stowed;
  }

  /** Of the held ones, of which the first thousand are looked at. */
  oldestHeldAt(): number | undefined {
    let oldest: number | undefined;
    let looked = 0;
    for (const { acceptedAt } of this.#held) {
      oldest = Math.min(oldest ?? acceptedAt, acceptedAt);
      if (++looked === heldLooked) break;
    }
    return oldest;
  }

  #end(mail: QueueMail): void {
    this.#depart(mail);
    mail.content = undefined;
    this.#mails.delete(mail.id);
    this.#stowed.ended(mail);
    this.#ended[this.#endedAt] = mail;
    this.#endedAt = (this.#endedAt + 1) % endedRemembered;
  }

  #depart(mail: QueueMail): void {
    if (!mail.inWindow) return;
    mail.inWindow = false;
    this.#active--;
    this.#octets -= mail.octets;
    this.departures++;
    if (this.#waitingForRoom.length > 0 && this.room()) this.#waitingForRoom.shift()?.();
  }

  #count(mail: QueueMail, by: 1 | -1): void {
    if (mail.state === 'held') {
      if (by === 1) this.#held.add(mail);
      else this.#held.delete(mail);
    }
    if (mail.state === 'resting') this.#resting += by;
  }
}

const earlier = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
