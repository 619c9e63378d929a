/**
 * Opens channels for a site when its mail needs them and the site's owner grants them; renews what is held.
 * Gives: `open` to outbound-delivery, `grant` to the shard that the site hashes to, `close` to channels.
 */
import { NobodyAnswers, type Ref } from '@postrider/bus';
import {
  channel as channelProtocol,
  outboundDelivery,
  shard as shardProtocol,
  times,
} from '@postrider/protocol';
import { shardOfSite } from '../routing/site-name.js';
import type { ShardEnvironment } from '../shard/environment.js';
import { settlingTime, type Claim } from '../shard/inquiry.js';
import { channelsWanted } from './demand.js';
import type { Channel, Site } from './site.js';
import type { Sites } from './sites.js';

export interface OpenerOptions {
  readonly environment: ShardEnvironment;
  readonly sites: Sites;
  /** May mail be dispatched at all? */
  readonly open: () => boolean;
  /** Is it known which channels an owner before us left open? Until then none is opened or asked for. */
  readonly settled: () => boolean;
  /** A channel is there. */
  readonly opened: (site: Site) => void;
}

/** The sites of a shard that has a new owner. */
export interface SitesOf {
  readonly sitesOf: string;
  readonly epoch: number;
}

/** Of a site whose owner changes, or grants less than is wanted: each mail would ask again. */
const askedAgainAfter = 200;

export class Opener {
  readonly #options: OpenerOptions;
  readonly #workers: Ref<(typeof outboundDelivery)['messages']>;
  /** By shard: epoch of the owner that was told what we have at its sites. What owners before it answer is void. */
  readonly #toldTo = new Map<string, number>();

  constructor(options: OpenerOptions) {
    this.#options = options;
    this.#workers = options.environment.bus.ref(outboundDelivery);
  }

  /** Opens what is wanted and granted; asks for more when the grant is short. */
  consider(site: Site): void {
    const missing = this.#wanted(site) - site.held;
    if (site.waits === 0 || missing <= 0 || !this.#options.open() || !this.#options.settled()) return;
    if (site.blockedAt(this.#options.environment.clock.now()) !== undefined) return;
    const granted = this.#granted(site) - site.held;
    for (let n = Math.min(missing, granted); n > 0; n--) this.#open(site);
    const short = site.grant.shortUntil > this.#options.environment.clock.monotonic();
    if (granted < missing && !short) void this.#ask(site);
  }

  /**
   * Every second: grants are renewed while channels are held, ample ones each time; what is held without one is closed.
   */
  renew(site: Site): void {
    const { grant } = site;
    const left = grant.until - this.#options.environment.clock.monotonic();
    if (site.held > 0 && (grant.ample || left < times.grant / 2)) void this.#ask(site);
    this.#closeSurplus(site);
    if (site.held > 0 || site.waits > 0 || grant.channels === 0) return;
    if (left > 0) void this.#giveBack(site);
    grant.channels = 0;
  }

  /** For a new owner of shard `sitesOf`, which grants sites: what is held of those, and may be. */
  claims({ sitesOf, epoch }: SitesOf): readonly Claim[] {
    const { sites, environment } = this.#options;
    this.#toldTo.set(sitesOf, Math.max(epoch, this.#toldTo.get(sitesOf) ?? 0));
    const claims: Claim[] = [];
    for (const [name, holding] of sites.held()) {
      if (shardOfSite(name, environment.shards()) !== sitesOf) continue;
      const site = sites.get(name);
      const granted = site === undefined ? 0 : this.#granted(site);
      if (granted > 0 || holding > 0) claims.push({ site: name, granted, holding });
    }
    return claims;
  }

  closeChannel(channel: Channel): void {
    if (channel.closing) return;
    channel.closing = true;
    channel.ref.tell('close', { epoch: this.#options.environment.owner.epoch });
  }

  #wanted(site: Site): number {
    const { settings, clock } = this.#options.environment;
    // What is not ours carries nothing for us.
    return channelsWanted(site, settings().channelsPerSite, clock.monotonic()) + site.strangers;
  }

  #granted({ grant }: Site): number {
    return grant.until > this.#options.environment.clock.monotonic() ? grant.channels : 0;
  }

  #open(site: Site): void {
    site.opening++;
    void this.#openOne(site).finally(() => site.opening--);
  }

  async #openOne(site: Site): Promise<void> {
    const { environment, opened } = this.#options;
    const { shard, owner, clock, log } = environment;
    let pause: number = times.open;
    try {
      const answer = await this.#workers.ask('open', {
        site: site.name,
        destination: site.destination,
        shard,
        epoch: owner.epoch,
      });
      if (answer.result === 'opened') {
        this.#add(site, answer);
        // Counted as open from now on; `opening` falls with the end of this function.
        environment.soon(() => opened(site));
        return;
      }
      log.debug({ site: site.name, text: answer.text }, 'a worker refused to open a channel');
    } catch (fault) {
      log.debug({ site: site.name, fault: String(fault) }, 'no worker opened a channel');
      // It may have been opened all the same: it counts until its worker's beat had the time to name it.
      if (!(fault instanceof NobodyAnswers)) pause = settlingTime;
    }
    // No worker has room, or none is there: asked again, as long as mail waits.
    await new Promise<void>((resolve) => clock.after(pause, resolve));
    environment.soon(() => opened(site));
  }

  #add(site: Site, { channel: id, worker }: { readonly channel: string; readonly worker: string }): void {
    const { bus } = this.#options.environment;
    this.#options.sites.addChannel({
      id,
      worker,
      site,
      ref: bus.ref(channelProtocol, id),
      inFlight: new Map(),
      octets: 0,
      reserved: false,
      closing: false,
      fruitful: false,
      missing: new Map(),
    });
  }

  /** A grant counts from when it was asked for: its owner counts from later, so both end on the safe side. */
  async #ask(site: Site): Promise<void> {
    const { environment } = this.#options;
    const owner = shardOfSite(site.name, environment.shards());
    if (site.grant.asking || owner === undefined || !this.#options.settled()) return;
    site.grant.asking = true;
    const sent = environment.clock.monotonic();
    const holding = site.held;
    const want = Math.max(this.#wanted(site), holding);
    // What its owner may give to others is more from now on: should its answer be lost, too, no more than this is opened.
    site.grant.channels = Math.min(site.grant.channels, holding);
    try {
      const answer = await this.#askFor(owner, site, { holding, want });
      // It knows nothing yet; or an owner before it answered, and it does not know of that.
      if (answer.unknown === true || (answer.epoch ?? Infinity) < (this.#toldTo.get(owner) ?? 0)) {
        this.#askLater(site);
        return;
      }
      site.grant.channels = answer.channels;
      site.grant.until = sent + answer.duration;
      site.grant.ample = answer.ample === true;
      site.grant.shortUntil = answer.channels < want ? environment.clock.monotonic() + askedAgainAfter : 0;
    } catch (fault) {
      environment.log.debug({ site: site.name, owner, fault: String(fault) }, 'the site has no owner now');
      this.#askLater(site);
      return;
    } finally {
      site.grant.asking = false;
    }
    this.#closeSurplus(site);
    // With nothing granted it is asked again in the next second, not at once.
    if (site.grant.channels > site.held) this.consider(site);
  }

  #askLater(site: Site): void {
    this.#options.environment.clock.after(askedAgainAfter, () => this.consider(site));
  }

  async #giveBack(site: Site): Promise<void> {
    const owner = shardOfSite(site.name, this.#options.environment.shards());
    if (owner === undefined) return;
    await this.#askFor(owner, site, { holding: 0, want: 0 }).catch(() => undefined);
  }

  #askFor(owner: string, site: Site, { holding, want }: { readonly holding: number; readonly want: number }) {
    const { bus, shard, owner: own } = this.#options.environment;
    return bus
      .ref(shardProtocol, owner)
      .ask('grant', { site: site.name, shard, epoch: own.epoch, holding, want });
  }

  /** The emptiest first; one that is closed counts until it has ended. */
  #closeSurplus(site: Site): void {
    const surplus = site.channels.size - this.#granted(site);
    if (surplus <= 0) return;
    const byLoad = [...site.channels].sort((a, b) => a.inFlight.size - b.inFlight.size);
    for (const channel of byLoad.slice(0, surplus)) this.closeChannel(channel);
  }
}
