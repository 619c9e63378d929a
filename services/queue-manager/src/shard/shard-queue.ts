/**
 * The queue of one owned shard: puts its parts together and keeps them going. The state of a mail and what changes
 * it: README.md.
 */
import type { Timer } from '@postrider/actor';
import { times, type ChannelReport } from '@postrider/protocol';
import { Announcer } from '../events.js';
import { MailBook } from '../mail/mail-book.js';
import { Resting } from '../mail/resting.js';
import { Batch } from '../outcomes/batch.js';
import { Bounces } from '../outcomes/bounces.js';
import { Journal } from '../outcomes/journal.js';
import { Outcomes } from '../outcomes/outcomes.js';
import { Dispatcher } from '../sites/dispatcher.js';
import { Ends } from '../sites/ends.js';
import { Opener, type SitesOf } from '../sites/opener.js';
import { Sender } from '../sites/sender.js';
import { SiteLimit } from '../sites/site-limit.js';
import type { Channel, Site } from '../sites/site.js';
import type { Part } from '../mail/queue-mail.js';
import { Sites } from '../sites/sites.js';
import { Acts } from './acts.js';
import { Deadlines } from './deadlines.js';
import type { ShardEnvironment } from './environment.js';
import { Inquiry, type Claim } from './inquiry.js';
import { Intake } from './intake.js';
import { Placing } from './placing.js';
import { Reports } from './reports.js';
import { Settling } from './settling.js';
import { WindowRelief } from './window-relief.js';
import { Workers, type Beat } from './workers.js';

/** Grants, lost workers, stopped dispatch and a full window are looked at this often. */
const lookedAfterEvery = 1_000;
/** A site that failed is remembered for so long after its last block. */
const failuresKept = 3_600_000;

export class ShardQueue {
  readonly environment: ShardEnvironment;
  readonly book = new MailBook();
  readonly sites = new Sites();
  readonly limit: SiteLimit;
  readonly acts: Acts;
  readonly #announcer: Announcer;
  readonly #journal: Journal;
  readonly #resting: Resting;
  readonly #dispatcher: Dispatcher;
  readonly #opener: Opener;
  readonly #ends: Ends;
  readonly #placing: Placing;
  readonly #settling: Settling;
  readonly #intake: Intake;
  readonly #reports: Reports;
  readonly #workers: Workers;
  readonly #relief: WindowRelief;
  readonly #deadlines: Deadlines;
  readonly #inquiry: Inquiry;
  #look: Timer | undefined;
  #draining = false;
  #started = false;

  constructor(environment: ShardEnvironment, failed: (fault: unknown) => void) {
    this.environment = environment;
    const { owner, clock, bus } = environment;
    const { book, sites } = this;
    const announcer = new Announcer(bus);
    const journal = new Journal(owner);
    const resting = new Resting({
      clock,
      book,
      room: () => book.room() && this.#started && !this.#draining,
      due: (mail) => this.#intake.due(mail),
    });
    const bounces = new Bounces(environment);
    const outcomes = new Outcomes({ environment, book, resting, journal, bounces, announcer });
    const sender = new Sender({
      environment,
      returned: (channel, parts, gone) => this.#returned(channel, parts, gone),
    });
    const opened = (site: Site): void => this.#opened(site);
    const settled = (): boolean => this.#settled;
    const opener = new Opener({ environment, sites, open: () => this.dispatches, settled, opened });
    const dispatcher = new Dispatcher({ environment, sender, opener, open: () => this.dispatches });
    const common = { environment, book, sites, journal, outcomes, dispatcher, announcer, resting };
    const ends = new Ends({
      ...common,
      heardSince: (worker, at) => this.#workers.heardSince(worker, at),
      place: (mail, opens) => this.#placing.place(mail, opens),
    });
    const placing = new Placing({ ...common, hold: (mail, reason) => this.acts.holdOne(mail, reason) });
    const settling = new Settling({ ...common, free: (mail) => this.#intake.take(mail) });
    this.#deadlines = new Deadlines(common);
    this.acts = new Acts(common);
    this.limit = new SiteLimit({
      clock,
      limit: () => environment.settings().channelsPerSite,
      shards: () => environment.shards().length,
      learning: environment.systemStarts ? 0 : times.grant,
    });
    this.#announcer = announcer;
    [this.#journal, this.#resting, this.#opener] = [journal, resting, opener];
    [this.#dispatcher, this.#ends, this.#placing, this.#settling] = [dispatcher, ends, placing, settling];
    this.#intake = new Intake({ ...common, placing, settling, deadlines: this.#deadlines, failed });
    this.#reports = new Reports({ ...common, ends, settling });
    this.#workers = new Workers({ ...common, ends, settling });
    this.#relief = new WindowRelief(common);
    this.#inquiry = new Inquiry({
      environment,
      held: (worker, channels) => this.beat({ worker, channels }),
      settled: () => settling.settle(),
      claimed: (shard, epoch, claims) => this.limit.claimed(shard, epoch, claims),
      learnt: () => this.limit.learnt(),
    });
  }

  /**
   * Takes in what the takeover has found, before anybody may ask for it; nothing is tried until all of it is known.
   * @returns once the queue runs, or has ended
   */
  async start(): Promise<void> {
    await this.#intake.admitDeferred();
    if (this.#draining) return;
    this.#started = true;
    this.#resting.wake();
    this.environment.owner.onPinned((ids) => this.#relief.pinned(ids));
    this.#settling.begin();
    this.#intake.start();
    this.#inquiry.start();
    this.#lookLater();
  }

  /** What this shard has at the sites that hash to another, for its new owner; nothing while it is not known. */
  claims(asked: SitesOf): { readonly claims?: readonly Claim[] } {
    return this.#settled ? { claims: this.#opener.claims(asked) } : {};
  }

  /** Dispatch stops while the lease is not surely ours, and while outcomes can't be written (DESIGN §4). */
  get dispatches(): boolean {
    const { trusted, owner, bus } = this.environment;
    return !this.#draining && trusted() && bus.connected && owner.unwrittenFor() <= times.outcomesUnwritten;
  }

  async report(report: ChannelReport): Promise<void> {
    this.#workers.heard(report.worker);
    await this.#reports.report(report);
    this.#resting.wake();
  }

  beat(beat: Beat): void {
    this.#inBatch((batch) => this.#workers.beat(beat, batch));
  }

  /** Its process has ended: what it had taken has an unknown outcome, and its channels are free for others. */
  workerEnded(worker: string): void {
    this.#inBatch((batch) => this.#workers.lost(worker, batch));
    for (const site of [...this.sites.all()]) if (site.waits > 0) this.#dispatcher.wake(site);
  }

  figures(): Readonly<Record<string, number>> {
    const { active, deferred, held, contentOctets } = this.book.figures();
    const { owner } = this.environment;
    const { ready, ...sites } = this.sites.figures();
    return {
      ...owner.figures(),
      ...sites,
      ...this.#announcer.figures(),
      readyParts: ready,
      active,
      deferred,
      held,
      contentOctets,
      oldestInSeconds: this.#ageInSeconds(this.book.oldestAt()),
      oldestReadyInSeconds: this.#ageInSeconds(this.sites.oldestReadyAt()),
      oldestDeferredInSeconds: this.#ageInSeconds(this.book.oldestDeferredAt()),
      oldestHeldInSeconds: this.#ageInSeconds(this.book.oldestHeldAt()),
      unwrittenForInMilliseconds: Math.round(owner.unwrittenFor()),
      grantedSites: this.limit.sites,
    };
  }

  /**
   * No new dispatch; results of what is in flight are waited for and written, and the ends of the channels: they count
   * for their sites' limits. What is left after that stays with its workers: the next owner hears of it from them.
   */
  async drain(within: number): Promise<void> {
    const { clock } = this.environment;
    this.#draining = true;
    this.#intake.end();
    for (const channel of [...this.sites.channels()]) this.#opener.closeChannel(channel);
    const end = clock.monotonic() + within;
    while (this.sites.known > 0 && clock.monotonic() < end) await this.#pause(20);
    await this.#journal.settled();
  }

  /** Nothing of this shard may be done any more. */
  end(): void {
    this.#draining = true;
    this.#look?.cancel();
    this.#intake.end();
    this.#resting.end();
    this.#deadlines.end();
    this.#settling.end();
    this.#inquiry.end();
    this.limit.end();
  }

  /** It is known what workers hold of an owner before. */
  get #settled(): boolean {
    return this.environment.systemStarts || !this.#settling.under;
  }

  #ageInSeconds(at: number | undefined): number {
    return at === undefined ? 0 : Math.max(0, Math.round((this.environment.clock.now() - at) / 1000));
  }

  #pause(time: number): Promise<void> {
    return new Promise((resolve) => this.environment.clock.after(time, resolve));
  }

  #opened(site: Site): void {
    for (const { worker } of site.channels) this.#workers.opened(worker);
    this.#dispatcher.wake(site);
  }

  #returned(channel: Channel, parts: readonly Part[], gone: boolean): void {
    this.#inBatch((batch) => {
      for (const part of parts) {
        // Its result may have come before the answer.
        if (part.channel !== channel) continue;
        this.sites.landed(part);
        this.#ends.again(part, batch);
      }
    });
    if (gone) this.#ends.gone(channel, (act) => this.#inBatch(act));
  }

  #lookLater(): void {
    this.#look = this.environment.clock.after(lookedAfterEvery, () => {
      this.#lookAfter();
      this.#lookLater();
    });
  }

  #lookAfter(): void {
    this.#inBatch((batch) => this.#workers.check(batch));
    for (const site of [...this.sites.all()]) {
      this.#opener.renew(site);
      if (site.waits > 0) this.#dispatcher.wake(site);
      else if (site.idle && this.#forgettable(site)) this.sites.forget(site);
    }
    for (const shard of this.limit.lapsed()) this.#inquiry.ask(shard);
    this.#dispatcher.run();
    this.#relief.look();
    this.#resting.stow();
    this.#resting.wake();
  }

  #forgettable(site: Site): boolean {
    if (site.grant.channels > 0) return false;
    return site.block === undefined || site.block.until + failuresKept < this.environment.clock.now();
  }

  #inBatch(act: (batch: Batch) => void): void {
    const batch = new Batch(this.#journal);
    act(batch);
    batch.flush().catch((fault: unknown) => {
      this.environment.log.debug({ fault: String(fault) }, 'not written: the shard was let go');
    });
  }
}
