/**
 * What follows when jobs come back untried, when a channel ends, and when a site can't be reached: the policy by scope,
 * mail, channel, site. RFC 5321 §3.1 (a 554 greeting), §4.5.4.1 (an unreachable host is left alone for a while).
 */
import type { Diagnostic } from '@postrider/mail';
import type { ChannelEnd } from '@postrider/protocol';
import type { Announcer } from '../events.js';
import type { Part, QueueMail } from '../mail/queue-mail.js';
import type { Batch } from '../outcomes/batch.js';
import type { Outcomes } from '../outcomes/outcomes.js';
import type { ShardEnvironment } from '../shard/environment.js';
import { settlingTime } from '../shard/inquiry.js';
import type { Dispatcher } from './dispatcher.js';
import { blockedFor } from './site-block.js';
import type { Channel, Site } from './site.js';
import type { Sites } from './sites.js';

export interface EndsOptions {
  readonly environment: ShardEnvironment;
  readonly sites: Sites;
  readonly dispatcher: Dispatcher;
  readonly outcomes: Outcomes;
  readonly announcer: Announcer;
  /** Has the worker said anything since then, monotonic milliseconds? */
  readonly heardSince: (worker: string, at: number) => boolean;
  /** Routes the mail's recipients anew. */
  readonly place: (mail: QueueMail, opens: Part['opens']) => void;
}

/** Channels that end one after the other without an outcome of any mail are a site failure. */
const fruitlessChannels = 3;
const fruitlessEnds: ReadonlySet<ChannelEnd['reason']> = new Set(['lost', 'closed', 'epoch']);
/** The server refused one connection more than we have: for so long we stay with those. */
const capKept = 30_000;
/** A worker that lives beats meanwhile, and repeats results that were not answered. */
const graceForResults = settlingTime;
const workerLost: Diagnostic = {
  status: '4.4.2',
  text: 'the delivery worker was lost; the outcome is unknown',
};

export class Ends {
  readonly #options: EndsOptions;

  constructor(options: EndsOptions) {
    this.#options = options;
  }

  /** No attempt was made: the part waits again, in front. It is off its channel already. */
  again(part: Part, batch: Batch): void {
    const { mail, site } = part;
    if (mail.state === 'ended') return;
    if (mail.held !== undefined || site === undefined) mail.drop(part);
    if (mail.held !== undefined) {
      this.#options.outcomes.settle(mail, [], batch);
      return;
    }
    if (site === undefined) {
      this.#options.place(mail, part.opens);
      return;
    }
    const block = site.blockedAt(this.#options.environment.clock.now());
    if (block === undefined) {
      this.#options.dispatcher.putBack(part);
      return;
    }
    this.#conclude(
      part,
      { outcome: 'temporary', diagnostic: block.diagnostic, notBefore: block.until },
      batch,
    );
  }

  /** The worker said why the channel is no more; its results were handled before. */
  ended(channel: Channel, end: ChannelEnd, batch: Batch): void {
    const { site } = channel;
    this.#options.sites.endChannel(channel);
    if (site === undefined) return;
    if ('diagnostic' in end) site.lastDiagnostic = end.diagnostic;
    if (end.reason === 'site-permanent') this.#failAll(site, end.diagnostic, batch);
    else if (end.reason === 'site-temporary') this.#unreachable(site, end.diagnostic, batch);
    else if (!channel.fruitful && fruitlessEnds.has(end.reason)) this.#fruitless(site, end, batch);
    this.#options.dispatcher.wake(site);
  }

  /** Its worker is gone: what it had taken may have been delivered or not. */
  lost(channel: Channel, batch: Batch): void {
    this.#options.sites.endChannel(channel);
    for (const part of [...channel.inFlight.values()]) if (part.confirmed) this.unknown(part, batch);
    if (channel.site !== undefined) this.#options.dispatcher.wake(channel.site);
  }

  /**
   * Nobody hosts it any more, or its worker goes to another NATS server just now. Its last results may be on their way
   * still: they are waited for before it is lost.
   */
  gone(channel: Channel, inBatch: (act: (batch: Batch) => void) => void): void {
    const { sites } = this.#options;
    // Its end may have been told already.
    if (sites.isOpen(channel.id)) sites.missed(channel);
    sites.endChannel(channel);
    if (channel.site !== undefined) this.#options.dispatcher.wake(channel.site);
    if (channel.inFlight.size === 0) return;
    const { clock } = this.#options.environment;
    const goneAt = clock.monotonic();
    clock.after(graceForResults, () => {
      // It lives: its beats tell what it holds still (workers.ts).
      if (!this.#options.heardSince(channel.worker, goneAt)) inBatch((batch) => this.lost(channel, batch));
    });
  }

  unknown(part: Part, batch: Batch): void {
    this.#options.sites.landed(part);
    this.#conclude(part, { outcome: 'unknown', diagnostic: workerLost }, batch);
  }

  #conclude(
    part: Part,
    what: {
      readonly outcome: 'temporary' | 'permanent' | 'unknown';
      readonly diagnostic: Diagnostic;
      readonly notBefore?: number;
    },
    batch: Batch,
  ): void {
    const { mail, opens, attempt } = part;
    mail.drop(part);
    if (mail.state === 'ended') return;
    // A result of another attempt may have come in between.
    const open = opens.filter((one) => mail.open.includes(one));
    if (open.length > 0) this.#options.outcomes.conclude(mail, [{ opens: open, attempt, ...what }], batch);
    else this.#options.outcomes.settle(mail, [], batch);
  }

  /** With other channels open it is the number of connections that the server minds. */
  #unreachable(site: Site, diagnostic: Diagnostic, batch: Batch): void {
    if (site.channels.size === 0) {
      this.#block(site, diagnostic, batch);
      return;
    }
    const until = this.#options.environment.clock.monotonic() + capKept;
    site.cap = { channels: site.channels.size, until };
  }

  #fruitless(site: Site, end: ChannelEnd, batch: Batch): void {
    site.fruitless++;
    if (site.fruitless < fruitlessChannels || site.channels.size > 0) return;
    const diagnostic =
      'diagnostic' in end ? end.diagnostic : { status: '4.4.2', text: `channels end at once: ${end.reason}` };
    this.#block(site, diagnostic, batch);
  }

  #block(site: Site, diagnostic: Diagnostic, batch: Batch): void {
    const { environment, announcer } = this.#options;
    site.failures++;
    site.fruitless = 0;
    site.cap = undefined;
    const until = environment.clock.now() + blockedFor(site.failures, environment.settings().queue);
    site.block = { until, diagnostic };
    environment.log.info(
      { site: site.name, text: diagnostic.text, failures: site.failures },
      'site can not be reached',
    );
    announcer.siteBlocked({ site: site.name, until: new Date(until).toISOString(), diagnostic });
    for (const part of takeAll(site))
      this.#conclude(part, { outcome: 'temporary', diagnostic, notBefore: until }, batch);
  }

  /** Every exchanger greets with 554: it takes no mail at all (RFC 5321 §3.1). */
  #failAll(site: Site, diagnostic: Diagnostic, batch: Batch): void {
    for (const part of takeAll(site)) this.#conclude(part, { outcome: 'permanent', diagnostic }, batch);
  }
}

const all = (): boolean => true;
const takeAll = (site: Site): readonly Part[] => [...site.waiting.take(all), ...site.alone.take(all)];
