/**
 * Fills the channels: what waits at a site goes to its channels, spread evenly, and one pass serves everything that
 * came since the last. No timers on the way of a mail.
 */
import type { Part } from '../mail/queue-mail.js';
import type { ShardEnvironment } from '../shard/environment.js';
import { emptiest, roomiest } from './demand.js';
import type { Opener } from './opener.js';
import type { Sender } from './sender.js';
import type { Channel, Site } from './site.js';

export interface DispatcherOptions {
  readonly environment: ShardEnvironment;
  readonly open: () => boolean;
  readonly sender: Sender;
  readonly opener: Opener;
}

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #dirty = new Set<Site>();
  #scheduled = false;

  constructor(options: DispatcherOptions) {
    this.#options = options;
  }

  enqueue(part: Part): void {
    const { site } = part;
    if (site === undefined) return;
    (part.alone ? site.alone : site.waiting).push(part);
    this.wake(site);
  }

  putBack(part: Part): void {
    const { site } = part;
    if (site === undefined) return;
    (part.alone ? site.alone : site.waiting).putBack(part);
    this.wake(site);
  }

  /** Something waits there, or has room. */
  wake(site: Site): void {
    this.#dirty.add(site);
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#options.environment.soon(() => {
      this.#scheduled = false;
      this.run();
    });
  }

  /** Also called every second: dispatch may have been stopped when a site was woken. */
  run(): void {
    if (this.#dirty.size === 0 || !this.#options.open()) return;
    const sites = [...this.#dirty];
    this.#dirty.clear();
    for (const site of sites) this.#serve(site);
  }

  #serve(site: Site): void {
    if (site.channels.size > 0) {
      const given = new Map<Channel, Part[]>();
      this.#giveAlone(site, given);
      this.#giveWaiting(site, given);
      for (const [channel, parts] of given) this.#options.sender.send(channel, parts);
    }
    this.#options.opener.consider(site);
  }

  #giveWaiting(site: Site, given: Map<Channel, Part[]>): void {
    for (let part = site.waiting.peek(); part !== undefined; part = site.waiting.peek()) {
      const channel = roomiest(site, part.mail.octets);
      if (channel === undefined) return;
      site.waiting.shift();
      this.#give(channel, part, given);
    }
  }

  /** One channel is emptied for a mail that travels alone, and carries nothing else meanwhile. */
  #giveAlone(site: Site, given: Map<Channel, Part[]>): void {
    let reserved: Channel | undefined;
    for (const channel of site.channels) {
      if (!channel.reserved) continue;
      if (site.alone.length === 0 && channel.inFlight.size === 0) channel.reserved = false;
      else if (!channel.closing) reserved = channel;
    }
    if (site.alone.length === 0) return;
    reserved ??= emptiest(site);
    if (reserved === undefined) return;
    reserved.reserved = true;
    if (reserved.inFlight.size > 0) return;
    const part = site.alone.shift();
    if (part !== undefined) this.#give(reserved, part, given);
  }

  #give(channel: Channel, part: Part, given: Map<Channel, Part[]>): void {
    part.channel = channel;
    part.confirmed = false;
    part.since = this.#options.environment.clock.now();
    channel.inFlight.set(part.mail.id, part);
    channel.octets += part.mail.octets;
    if (part.site !== undefined) part.site.inFlight++;
    const parts = given.get(channel);
    if (parts === undefined) given.set(channel, [part]);
    else parts.push(part);
  }
}
