/**
 * The model of a shard's log: processes that commit, own, deliver, defer, die and take over in any order, and what must
 * hold whatever they do. It knows nothing of segments, records or places: only what the world outside sees.
 */
import { randomBytes } from 'node:crypto';
import { derivedMailId, type MailId, type MailObject, type MailRecord } from '@postrider/mail';
import type { Clock } from '@postrider/actor';
import type { Log } from '../log.js';
import { spoolOver } from '../open.js';
import {
  ContentMissing,
  type OpenRecipient,
  type ShardOwner,
  type SpooledMail,
  type SpoolWriter,
} from '../spool.js';
import { mailOf } from './backends.js';
import { ScriptedLog, type Script } from './scripted-log.js';

export type Action =
  | { readonly act: 'commit'; readonly recipients: number; readonly octets: number }
  | { readonly act: 'read'; readonly mails: number }
  /** An attempt for some recipients of a mail in hand. */
  | { readonly act: Attempt; readonly pick: number; readonly recipients: number }
  /** An owner of yesterday that has not noticed tries something. */
  | {
      readonly act: 'yesterday';
      readonly attempt: Attempt;
      readonly pick: number;
      readonly recipients: number;
    }
  /** What happens to the owner's next writes, after some that go well. */
  | { readonly act: 'owner meets'; readonly after: number; readonly script: Script }
  | { readonly act: 'writer meets'; readonly after: number; readonly script: Script }
  /** What was late lands. */
  | { readonly act: 'land' }
  | { readonly act: 'take over' }
  | { readonly act: 'keep house' };
export type Attempt = 'deliver' | 'bounce' | 'defer' | 'record deferred' | 'hold';

export interface World {
  readonly log: Log;
  readonly clock: Clock;
  readonly shard: string;
  /** Lets what is under way go on for that long. */
  readonly pass: (milliseconds: number) => Promise<void>;
  /** What each call of the log takes, milliseconds. */
  readonly latency: number;
}

interface Expected {
  readonly mail: MailObject;
  /** A 250 was given, or the record that bears it is durable. */
  surely: boolean;
  /** By recipient: attempts that must be known, deliveries, and whether a final record is durable. */
  readonly recipients: { attempts: number; deliveries: number; ended: boolean }[];
}

interface InHand {
  readonly mail: MailObject;
  open: readonly OpenRecipient[];
}

/** One ownership: a queue-manager's life with the shard. */
interface Ownership {
  readonly log: ScriptedLog;
  readonly owner: ShardOwner;
  readonly inHand: Map<MailId, InHand>;
  readonly seen: Set<MailId>;
  readonly mails: AsyncIterator<SpooledMail>;
  next: Promise<IteratorResult<SpooledMail>> | undefined;
}

/** A process that commits. */
interface Writer {
  readonly log: ScriptedLog;
  readonly writer: SpoolWriter;
  /** Commits that have no result yet. */
  unanswered: number;
}

/** Rounds in which all must have come to its end: 20 s where a round takes 50 ms, more than any retry or look. */
const patience = 400;

export class LogModel {
  readonly #world: World;
  readonly #expected = new Map<MailId, Expected>();
  readonly #faults: string[] = [];
  readonly #all: ScriptedLog[] = [];
  #writer: Writer;
  #now: Ownership | undefined;
  #yesterday: Ownership | undefined;
  /** Deliveries whose recipient had been delivered to before, by what excuses them. */
  readonly copies = { excused: 0 };

  constructor(world: World) {
    this.#world = world;
    this.#writer = this.#newWriter();
  }

  async run(actions: readonly Action[]): Promise<void> {
    await this.#takeOver();
    for (const action of actions) {
      await this.#act(action);
      await this.#world.pass(1);
    }
  }

  /** Everything goes well from now on: all that was promised must come to its end. */
  async finish(): Promise<void> {
    for (const log of this.#all) log.script = [];
    await this.#land();
    await this.#takeOver();
    for (let [idle, rounds] = [0, 0]; idle < 4 && rounds < patience; rounds++) {
      await this.#read(50);
      const inHand = [...(this.#now?.inHand.keys() ?? [])];
      for (const id of inHand)
        if (this.#now) this.#attempt(this.#now, { act: 'deliver', recipients: 0xff }, id);
      await this.#world.pass(300);
      idle = inHand.length === 0 && this.#atRest() ? idle + 1 : 0;
    }
    for (const { mail, recipients } of this.#unfinished())
      this.#faults.push(`lost: ${mail.envelope.id} ${JSON.stringify(recipients)}`);
    const live = this.#live();
    if (live !== 0) this.#faults.push(`${live} mails are still live`);
    if (this.#now) await this.#within(10_000, this.#now.owner.close());
    if (this.#faults.length > 0) throw new Error(this.#faults.join('\n'));
  }

  /** What was promised and has not come to its end. */
  #unfinished(): readonly Expected[] {
    return [...this.#expected.values()].filter(
      ({ surely, recipients }) =>
        // Delivered and not known to have ended: its record was stored by a process that died before it heard so.
        surely && !recipients.every(({ ended, deliveries }) => ended || deliveries > 0),
    );
  }

  #live(): number {
    return this.#now?.owner.figures()['liveMails'] ?? 0;
  }

  /** Nothing is under way: each commit of a writer that lives is answered, and each mail has ended. */
  #atRest(): boolean {
    const unanswered = this.#writer.log.dead ? 0 : this.#writer.unanswered;
    return unanswered === 0 && this.#live() === 0 && this.#unfinished().length === 0;
  }

  async #act(action: Action): Promise<void> {
    switch (action.act) {
      case 'commit':
        this.#commit(action.recipients, action.octets);
        return;
      case 'read':
        return this.#read(action.mails);
      case 'owner meets':
        this.#now?.log.script.push(...goesWell(action.after), action.script);
        return;
      case 'writer meets':
        this.#writer.log.script.push(...goesWell(action.after), action.script);
        return;
      case 'land':
        return this.#land();
      case 'take over':
        return this.#takeOver();
      case 'keep house':
        return this.#world.pass(5_000);
      case 'yesterday':
        this.#pickAndTry(this.#yesterday, { ...action, act: action.attempt });
        return;
      default:
        this.#pickAndTry(this.#now, action);
    }
  }

  #pickAndTry(
    ownership: Ownership | undefined,
    { act, pick, recipients }: { readonly act: Attempt; readonly pick: number; readonly recipients: number },
  ): void {
    const ids = [...(ownership?.inHand.keys() ?? [])];
    const id = ids[pick % ids.length];
    if (ownership && id !== undefined) this.#attempt(ownership, { act, recipients }, id);
  }

  #commit(recipients: number, octets: number): void {
    const mail = mailOf(recipients, randomBytes(octets));
    const expected = this.#expect(mail);
    // Not waited for: several share a segment.
    const writer = this.#writer;
    writer.unanswered++;
    void writer.writer.commit(mail).then(({ result }) => {
      writer.unanswered--;
      if (result === 'committed') expected.surely = true;
    });
    if (this.#writer.log.dead) this.#writer = this.#newWriter();
  }

  async #takeOver(): Promise<void> {
    const log = this.#scripted();
    // Owners here end again and again with the same mail in hand, and it is not its fault.
    const limits = { giveUpAfter: 8_000, cleanedOver: 3_000, deathsAtMost: Infinity };
    const spool = spoolOver(log, { clock: this.#world.clock, ...limits });
    const fault = (text: string): void => void this.#faults.push(text);
    const opening = spool.own(this.#world.shard, { owner: 'one', lost: () => undefined, fault });
    const owner = await this.#within(60_000, opening);
    if (!owner) throw new Error('the takeover does not end');
    const mails = owner.mails()[Symbol.asyncIterator]();
    const ownership: Ownership = { log, owner, mails, inHand: new Map(), seen: new Set(), next: undefined };
    this.#yesterday = this.#now;
    this.#now = ownership;
    for (const spooled of owner.deferred) await this.#handed(ownership, spooled);
  }

  async #read(count: number): Promise<void> {
    const ownership = this.#now;
    if (!ownership) return;
    for (let n = 0; n < count; n++) {
      ownership.next ??= ownership.mails.next();
      const result = await this.#within(4 * this.#world.latency + 10, ownership.next);
      if (!result) return;
      ownership.next = undefined;
      if (result.done === true) return;
      await this.#handed(ownership, result.value);
    }
  }

  /** The owner gives a mail out: it must be one it may give out. */
  async #handed(ownership: Ownership, { mail, open, place }: SpooledMail): Promise<void> {
    const { id } = mail.envelope;
    const expected = this.#expected.get(id);
    if (!expected) {
      this.#faults.push(`${id} never was committed`);
      return;
    }
    if (ownership.seen.has(id)) this.#faults.push(`${id} was given out twice by one owner`);
    ownership.seen.add(id);
    if (open.length === 0) this.#faults.push(`${id} was given out with nothing to do`);
    for (const { index, attempts } of open) {
      const recipient = expected.recipients[index];
      if (!recipient || recipient.ended)
        this.#faults.push(`${id}/${index} was given out after its final record`);
      else if (attempts < recipient.attempts) this.#faults.push(`${id}/${index} forgot an attempt`);
    }
    const missing = expected.recipients.flatMap(({ ended, deliveries }, index) =>
      !ended && deliveries === 0 && !open.some((one) => one.index === index) ? [index] : [],
    );
    if (missing.length > 0)
      this.#faults.push(`${id}: recipients ${missing.join()} are neither done nor open`);
    ownership.inHand.set(id, { mail, open });
    const content = place === 'spool' ? mail.content : await this.#contentOf(ownership, id);
    if (content && !Buffer.from(expected.mail.content ?? []).equals(content))
      this.#faults.push(`${id}: other content`);
  }

  #attempt(
    ownership: Ownership,
    { act: attempt, recipients: mask }: { readonly act: Attempt; readonly recipients: number },
    id: MailId,
  ): void {
    const inHand = ownership.inHand.get(id);
    if (!inHand) return;
    const tried = inHand.open.filter(({ index }) => ((mask >> index) & 1) === 1 || inHand.open.length === 1);
    if (tried.length === 0) return;
    const expected = this.#expected.get(id);
    if (!expected) return;
    if (attempt === 'deliver' || attempt === 'bounce')
      this.#end(ownership, inHand, { attempt, expected, tried });
    else this.#postpone(ownership, inHand, { attempt, expected, tried });
  }

  #end({ owner, inHand }: Ownership, mail: InHand, { attempt, expected, tried }: Tried): void {
    const { id } = expected.mail.envelope;
    const recipients = tried.map(({ index }) => index);
    for (const index of recipients) {
      const recipient = expected.recipients[index];
      if (recipient && recipient.deliveries++ > 0) this.copies.excused++;
    }
    mail.open = mail.open.filter((one) => !tried.includes(one));
    if (mail.open.length === 0) inHand.delete(id);
    const bounce = attempt === 'bounce' ? bounceOf(expected.mail, recipients) : undefined;
    const born = bounce && (this.#expected.get(bounce.envelope.id) ?? this.#expect(bounce));
    const record: MailRecord = {
      kind: attempt === 'bounce' ? 'failed' : 'relayed',
      id,
      at: 0,
      recipients,
      attempt: 1,
      ...(bounce ? { born: [bounce] } : {}),
    };
    const durable = (): void => {
      for (const index of recipients) {
        const recipient = expected.recipients[index];
        if (recipient) recipient.ended = true;
      }
      if (born) born.surely = true;
    };
    owner.record([record]).then(durable, () => undefined);
  }

  #postpone({ owner, inHand }: Ownership, mail: InHand, { attempt, expected, tried }: Tried): void {
    const { id } = expected.mail.envelope;
    const attempts = Math.max(...tried.map((one) => one.attempts)) + 1;
    const recipients = tried.map(({ index }) => index);
    const later: MailRecord = {
      kind: 'deferred',
      id,
      at: 0,
      recipients,
      attempt: attempts,
      until: 1,
      diagnostic: { status: '4.0.0', text: 'later' },
    };
    mail.open = mail.open.map((one) => (tried.includes(one) ? { ...one, attempts } : one));
    inHand.set(id, mail);
    const written =
      attempt === 'hold'
        ? owner.record([{ kind: 'hold', id, at: 0, reason: 'held' }])
        : attempt === 'defer'
          ? owner.defer(mail.mail, [later])
          : owner.record([later]);
    const durable = (): void => {
      if (attempt === 'hold') return;
      for (const index of recipients) {
        const recipient = expected.recipients[index];
        if (recipient) recipient.attempts = Math.max(recipient.attempts, attempts);
      }
    };
    written.then(durable, () => undefined);
  }

  /** Undefined when the process is dead. */
  #contentOf({ owner, log }: Ownership, id: MailId): Promise<Uint8Array | undefined> {
    const missing = (error: unknown): undefined => {
      if (!log.dead && error instanceof ContentMissing) this.#faults.push(error.message);
      return undefined;
    };
    return this.#within(1_000, owner.content(id).catch(missing));
  }

  /** Undefined when it has not come by then. */
  async #within<T>(time: number, promise: Promise<T>): Promise<T | undefined> {
    const came: { result?: { readonly value: T }; error?: Error } = {};
    promise.then(
      (value) => (came.result = { value }),
      (reason: unknown) => (came.error = reason instanceof Error ? reason : new Error('no error')),
    );
    const step = Math.max(1, this.#world.latency);
    for (let waited = 0; waited < time && !came.result && !came.error; waited += step)
      await this.#world.pass(step);
    if (came.error) throw came.error;
    return came.result?.value;
  }

  async #land(): Promise<void> {
    for (const log of this.#all) {
      log.answer();
      await log.land();
    }
  }

  #expect(mail: MailObject): Expected {
    const recipients = mail.envelope.recipients.map(() => ({ attempts: 0, deliveries: 0, ended: false }));
    const expected = { mail, surely: false, recipients };
    this.#expected.set(mail.envelope.id, expected);
    return expected;
  }

  #newWriter(): Writer {
    const log = this.#scripted();
    const spool = spoolOver(log, { clock: this.#world.clock, giveUpAfter: 8_000, cleanedOver: 3_000 });
    return { log, writer: spool.writer({ shards: [this.#world.shard] }), unanswered: 0 };
  }

  #scripted(): ScriptedLog {
    const { clock, latency } = this.#world;
    const log = new ScriptedLog(this.#world.log);
    if (latency > 0) log.delay = () => new Promise((resolve) => clock.after(latency, resolve));
    this.#all.push(log);
    return log;
  }
}

interface Tried {
  readonly attempt: Attempt;
  readonly expected: Expected;
  readonly tried: readonly OpenRecipient[];
}

const goesWell = (writes: number): readonly Script[] => Array.from({ length: writes }, () => 'well' as const);

/** Its id follows from its cause, as a DSN's does. */
function bounceOf({ envelope }: MailObject, recipients: readonly number[]): MailObject {
  const { content = Buffer.alloc(0) } = mailOf(1, Buffer.from(`${envelope.id} ${recipients.join()}`));
  const id = derivedMailId(envelope.acceptedAt, content.subarray(-8));
  return {
    envelope: { ...envelope, id, reversePath: '', recipients: [{ forwardPath: envelope.reversePath }] },
    content,
  };
}
