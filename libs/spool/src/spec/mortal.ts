/** Processes over one store that die as soon as they have a certain record in hand, as a native crash would end them. */
import { manualClock, type ManualClock } from '@postrider/actor';
import type { MailObject } from '@postrider/mail';
import type { Log, LogMessage } from '../log.js';
import { MemoryLog, MemoryStore } from '../memory.js';
import { spoolOver } from '../open.js';
import type { QuarantinedRecord, ShardOwner, Spool } from '../spool.js';
import { ScriptedLog } from './scripted-log.js';

/** What a process has in hand: a mail's id, or a message as `SPOOL-q 7`. */
export type Poison = (inHand: string) => boolean;

export const harmless: Poison = () => false;

export interface Life {
  /** Mails given out, deferred ones too. */
  readonly ids: readonly string[];
  /** Undefined: it died. */
  readonly owner: ShardOwner | undefined;
}

export class MortalWorld {
  readonly shard = 'q';
  readonly clock: ManualClock = manualClock();
  readonly log: Log;
  readonly told: QuarantinedRecord[] = [];
  readonly faults: string[] = [];

  constructor(maxSizeInOctets = 1e9) {
    this.log = new MemoryLog(new MemoryStore(), maxSizeInOctets, this.clock);
  }

  async start(): Promise<this> {
    await this.log.prepare([this.shard]);
    return this;
  }

  /** All in one segment, besides the first. */
  async commit(...mails: readonly MailObject[]): Promise<void> {
    const writer = this.#spool(this.log).writer({ shards: [this.shard] });
    await Promise.all(mails.map((mail) => writer.commit(mail)));
  }

  /** One process: takes over and reads until there is no more, or dies with the poison in hand. */
  live(poison: Poison = harmless): Promise<Life> {
    const log = new ScriptedLog(this.log);
    const ids: string[] = [];
    return new Promise((resolve, reject) => {
      const meet = (inHand: string): void => {
        if (log.dead || !poison(inHand)) return;
        log.dead = true;
        resolve({ ids, owner: undefined });
      };
      this.#read(opening(log, meet), ids, meet).then((owner) => resolve({ ids, owner }), reject);
    });
  }

  async #read(log: Log, ids: string[], meet: (inHand: string) => void): Promise<ShardOwner> {
    const owner = await this.#spool(log).own(this.shard, {
      owner: 'one',
      lost: (reason) => this.faults.push(reason),
      fault: (text) => this.faults.push(text),
      quarantined: (record) => this.told.push(record),
    });
    for (const { mail } of owner.deferred) ids.push(mail.envelope.id);
    const mails = owner.mails()[Symbol.asyncIterator]();
    for (;;) {
      const found = await Promise.race([mails.next(), silence()]);
      if (found === undefined || found.done === true) return owner;
      const { id } = found.value.mail.envelope;
      ids.push(id);
      meet(id);
    }
  }

  #spool(log: Log): Spool {
    return spoolOver(log, { clock: this.clock, giveUpAfter: 8_000 });
  }
}

/** A message is in hand when its payload is looked at. */
function opening(log: ScriptedLog, meet: (inHand: string) => void): Log {
  const read = log.read.bind(log);
  const opened = (stream: string, { sequence, subject, payload }: LogMessage): LogMessage => ({
    sequence,
    subject,
    get payload() {
      meet(`${stream} ${sequence}`);
      if (log.dead) throw new Error('the process is dead');
      return payload;
    },
  });
  log.read = async (stream, ...where) =>
    (await read(stream, ...where)).map((message) => opened(stream, message));
  return log;
}

/** All that follows at once has followed. */
async function silence(): Promise<undefined> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
  return undefined;
}
