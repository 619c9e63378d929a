/**
 * Moves from SPOOL to DEFER (DESIGN §3): content, then envelope and state, then 'moved' in SPOOL; only then is the mail
 * in DEFER. Many moves share each of the three writes.
 */
import { isFinal, type MailId, type MailObject, type MailRecord } from '@postrider/mail';
import { NoRoom, type ContentAt } from './deferred-contents.js';
import { applyRecord, bornOf } from './open-recipients.js';
import type { OwnedShard } from './owned-shard.js';
import { contentOf } from './content-of.js';
import type { DeferredMail, LogEntry } from './record-frame.js';
import type { LiveMail } from './live-mails.js';
import { Fenced } from './spool.js';

interface Move {
  readonly done: Promise<void>;
  readonly contentOctets: number;
  /** Once the put is durable. */
  put?: { readonly deferred: DeferredMail; readonly sequence: number };
}

export class Moves {
  readonly #shard: OwnedShard;
  readonly #moves = new Map<MailId, Move>();

  constructor(shard: OwnedShard) {
    this.#shard = shard;
  }

  /** Resolves when a move under way has ended; records about the mail wait for it. */
  underWay(id: MailId): Promise<void> | undefined {
    return this.#moves.get(id)?.done;
  }

  /** @returns when 'moved' is durable, or the records are in SPOOL for want of room in DEFER. @throws Fenced */
  move(mail: MailObject, records: readonly MailRecord[]): Promise<void> {
    const { id } = mail.envelope;
    const done = this.#move(mail, records).finally(() => this.#moves.delete(id));
    this.#moves.set(id, { done, contentOctets: mail.content?.length ?? 0 });
    return done;
  }

  /**
   * A put is durable: DEFER must keep it, also while SPOOL does not say 'moved' yet.
   * @returns false when it is not a move's
   */
  put(deferred: DeferredMail, sequence: number): boolean {
    const move = this.#moves.get(deferred.envelope.id);
    if (!move) return false;
    move.put = { deferred, sequence };
    this.#shard.state.pins.defer.add(sequence);
    return true;
  }

  /** 'moved' is durable: from now on the mail is in DEFER. */
  completed(id: MailId): void {
    const move = this.#moves.get(id);
    if (!move?.put) return;
    const { state } = this.#shard;
    const { deferred, sequence } = move.put;
    state.put(deferred, sequence, move.contentOctets);
    state.pins.defer.remove(sequence);
  }

  async #move(mail: MailObject, records: readonly MailRecord[]): Promise<void> {
    const { outcomes, state } = this.#shard;
    const { id } = mail.envelope;
    // What was recorded before must count: a final record on its way to SPOOL is not to be tried again from DEFER.
    await outcomes.flushed();
    const live = state.live.get(id);
    if (!live) return;
    const after = records.reduce(applyRecord, state.stateOf(mail.envelope));
    if (after.open.length === 0 || this.#shard.deferFull) return this.#stay(records);
    const contentAt = mail.envelope.large ? undefined : await this.#writeContent(mail, live);
    if (contentAt === 'no room') return this.#stay(records);
    const deferred: DeferredMail = {
      envelope: mail.envelope,
      ...after,
      home: live.pin,
      ...(contentAt ? { contentAt } : {}),
    };
    try {
      await this.#writeState(deferred, records);
    } catch (error) {
      // Fenced: the put may stand and be another owner's by now, so the content must not look free to this one.
      if (contentAt && !(error instanceof Fenced)) this.#shard.contents.named(contentAt);
      throw error;
    }
    if (contentAt) this.#shard.contents.named(contentAt);
  }

  async #writeContent({ envelope, content }: MailObject, live: LiveMail): Promise<ContentAt | 'no room'> {
    const { contents } = this.#shard;
    try {
      return await contents.write(envelope.id, content ?? (await contentOf(this.#shard, envelope.id, live)));
    } catch (error) {
      if (error instanceof NoRoom) return 'no room';
      throw error;
    }
  }

  /** Final records and those that bear mail stand before the put, which already has what they did. */
  async #writeState(deferred: DeferredMail, records: readonly MailRecord[]): Promise<void> {
    const { outcomes, deferState, clock } = this.#shard;
    const kept = records.filter((record) => isFinal(record) || bornOf(record).length > 0);
    await deferState.write([
      ...kept.map((record): LogEntry => ({ entry: 'record', record })),
      { entry: 'put', deferred },
    ]);
    const moved: MailRecord = { kind: 'moved', id: deferred.envelope.id, at: clock.now() };
    await outcomes.write([{ entry: 'record', record: moved }]);
  }

  #stay(records: readonly MailRecord[]): Promise<void> {
    return this.#shard.outcomes.write(records.map((record) => ({ entry: 'record', record })));
  }
}
