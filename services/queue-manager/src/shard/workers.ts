/**
 * Workers by their beats: one that is silent for three of them is lost, and so is a mail that its worker does not name
 * three times. Their outcome is unknown.
 */
import { channel as channelProtocol, times, type shard } from '@postrider/protocol';
import type { PayloadOf } from '@postrider/actor';
import type { MailId } from '@postrider/mail';
import type { MailBook } from '../mail/mail-book.js';
import type { Batch } from '../outcomes/batch.js';
import type { Ends } from '../sites/ends.js';
import type { Channel } from '../sites/site.js';
import type { Sites } from '../sites/sites.js';
import type { ShardEnvironment } from './environment.js';
import type { Settling } from './settling.js';

export type Beat = PayloadOf<(typeof shard)['messages']['beat']>;

export interface WorkersOptions {
  readonly environment: ShardEnvironment;
  readonly book: MailBook;
  readonly sites: Sites;
  readonly ends: Ends;
  readonly settling: Settling;
}

/** Beats that may cross with a job or a result on its way. */
const missingAtMost = 3;

export class Workers {
  readonly #options: WorkersOptions;
  /** Monotonic milliseconds of the last sign of life. */
  readonly #heard = new Map<string, number>();
  /** By worker: channels of its last beat that we don't know. */
  readonly #strangers = new Map<string, ReadonlySet<string>>();

  constructor(options: WorkersOptions) {
    this.#options = options;
  }

  /** A report is a sign of life too. */
  heard(worker: string): void {
    this.#heard.set(worker, this.#options.environment.clock.monotonic());
  }

  heardSince(worker: string, at: number): boolean {
    return (this.#heard.get(worker) ?? -Infinity) > at;
  }

  /** An opened channel is a sign of life, but not a repeated one. */
  opened(worker: string): void {
    if (!this.#heard.has(worker)) this.heard(worker);
  }

  beat({ worker, channels }: Beat, batch: Batch): void {
    this.heard(worker);
    const { book, settling, sites } = this.#options;
    const held = new Map<string, ReadonlySet<MailId>>();
    for (const { channel, ids } of channels) {
      held.set(channel, new Set(ids));
      for (const id of ids) {
        const mail = book.peek(id);
        if (mail?.settling === true) settling.adopt(mail, { channel, worker });
        else if (mail === undefined || mail.state === 'resting') settling.named(id, { channel, worker });
      }
    }
    this.#closeStrangers(worker, channels);
    for (const channel of sites.channels()) {
      if (channel.worker === worker) this.#compare(channel, held.get(channel.id) ?? new Set(), batch);
    }
  }

  /** Every second. */
  check(batch: Batch): void {
    const now = this.#options.environment.clock.monotonic();
    const lost = new Set<string>();
    const { sites } = this.#options;
    const present = new Set([...sites.strangersOf(), ...[...sites.channels()].map((one) => one.worker)]);
    // Who holds nothing does not beat: its next channel is its first sign of life.
    for (const worker of this.#heard.keys()) if (!present.has(worker)) this.#heard.delete(worker);
    for (const worker of present) {
      const heard = this.#heard.get(worker);
      if (heard === undefined) this.#heard.set(worker, now);
      else if (now - heard > times.workerLost) lost.add(worker);
    }
    for (const worker of lost) this.lost(worker, batch);
  }

  /** It is known to be gone, by its silence or by who saw it end; told twice it does nothing. */
  lost(worker: string, batch: Batch): void {
    const { sites, environment, ends } = this.#options;
    const channels = [...sites.channels()].filter((channel) => channel.worker === worker);
    if (channels.length > 0 || this.#heard.has(worker)) environment.log.warn({ worker }, 'worker lost');
    this.#heard.delete(worker);
    this.#strangers.delete(worker);
    sites.setStrangers(worker, new Map());
    for (const channel of channels) {
      ends.lost(channel, batch);
      for (const part of [...channel.inFlight.values()]) ends.unknown(part, batch);
    }
  }

  /** Channels that we don't know count for the site's limit: they finish what they hold and end. */
  #closeStrangers(worker: string, channels: Beat['channels']): void {
    const { sites, environment } = this.#options;
    const { epoch: own } = environment.owner;
    const before = this.#strangers.get(worker);
    const unknown = channels.filter(({ channel }) => !sites.isOpen(channel));
    this.#strangers.set(worker, new Set(unknown.map(({ channel }) => channel)));
    const strangers = new Map<string, string>();
    for (const { channel, site, epoch = own } of unknown) {
      if (site !== undefined) strangers.set(channel, site);
      // One of our own time may have been opened an instant ago; named twice, its opener heard no answer.
      if (epoch >= own && before?.has(channel) !== true) continue;
      environment.bus.ref(channelProtocol, channel).tell('close', { epoch: own });
    }
    sites.setStrangers(worker, strangers);
  }

  #compare(channel: Channel, ids: ReadonlySet<MailId>, batch: Batch): void {
    for (const part of [...channel.inFlight.values()]) {
      const { id } = part.mail;
      if (ids.has(id)) {
        channel.missing.delete(id);
        part.confirmed = true;
        continue;
      }
      const missing = (channel.missing.get(id) ?? 0) + 1;
      channel.missing.set(id, missing);
      if (missing < missingAtMost) continue;
      if (part.confirmed) this.#options.ends.unknown(part, batch);
      else {
        this.#options.sites.landed(part);
        this.#options.ends.again(part, batch);
      }
    }
  }
}
