/** Puts all mail of a shard on hold, as an owner of it for a while. */
import type { Clock } from '@postrider/actor';
import type { MailId, MailRecord } from '@postrider/mail';
import { Fenced, type ShardOwner, type Spool, type SpooledMail } from './spool.js';

export interface HoldAllOptions {
  readonly spool: Spool;
  readonly clock: Clock;
  readonly shard: string;
  readonly owner: string;
  readonly reason: string;
  readonly fault: (text: string, id?: MailId) => void;
}

export interface HeldMails {
  readonly held: number;
  /** Of them, those that were on hold before. */
  readonly before: number;
}

const heldAtOnce = 500;
const replayLookedAt = 50;

/** @throws Fenced when another owns the shard meanwhile, and when the log can't be reached */
export async function holdAll(options: HoldAllOptions): Promise<HeldMails> {
  const { spool, clock, shard } = options;
  const lost = new AbortController();
  const owner = await spool.own(shard, {
    owner: options.owner,
    fault: options.fault,
    lost: (reason) => lost.abort(new Fenced(`shard ${shard}: ${reason}`)),
  });
  try {
    const holder = new Holder(owner, options);
    for (const mail of owner.deferred) await holder.hold(mail);
    // The reader waits for new mail once all is read.
    const reading = readAll(owner, holder);
    reading.catch(() => undefined);
    while (owner.figures()['replaying'] !== 0) {
      lost.signal.throwIfAborted();
      await Promise.race([reading, new Promise<void>((resolve) => clock.after(replayLookedAt, resolve))]);
    }
    await holder.written();
    return holder;
  } finally {
    await owner.close();
  }
}

async function readAll(owner: ShardOwner, holder: Holder): Promise<void> {
  for await (const mail of owner.mails()) await holder.hold(mail);
}

class Holder implements HeldMails {
  held = 0;
  before = 0;
  readonly #owner: ShardOwner;
  readonly #options: HoldAllOptions;
  #waiting: MailRecord[] = [];

  constructor(owner: ShardOwner, options: HoldAllOptions) {
    this.#owner = owner;
    this.#options = options;
  }

  async hold({ mail, held }: SpooledMail): Promise<void> {
    this.held++;
    if (held !== undefined) {
      this.before++;
      return;
    }
    const { clock, reason } = this.#options;
    this.#waiting.push({ kind: 'hold', id: mail.envelope.id, at: clock.now(), reason });
    if (this.#waiting.length >= heldAtOnce) await this.written();
  }

  async written(): Promise<void> {
    const records = this.#waiting;
    this.#waiting = [];
    if (records.length > 0) await this.#owner.record(records);
  }
}
