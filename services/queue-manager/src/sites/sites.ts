/** The sites that this shard has mail or channels for, and the channels by id. */
import type { Destination } from '@postrider/protocol';
import type { Part, QueueMail } from '../mail/queue-mail.js';
import { Site, type Channel } from './site.js';

export class Sites {
  readonly #sites = new Map<string, Site>();
  /** Also those that ended with results still to come. */
  readonly #channels = new Map<string, Channel>();

  /** By worker: channels it has for this shard that we did not open or did not hear of, with their site's name. */
  readonly #strangers = new Map<string, ReadonlyMap<string, string>>();

  /** The addresses of the exchangers may have changed: the latest answer holds for the next channel. */
  at(name: string, destination: Destination): Site {
    const known = this.#sites.get(name);
    if (known !== undefined) {
      known.destination = destination;
      return known;
    }
    const site = new Site(name, destination);
    this.#sites.set(name, site);
    this.#countStrangers();
    return site;
  }

  get(name: string): Site | undefined {
    return this.#sites.get(name);
  }

  all(): IterableIterator<Site> {
    return this.#sites.values();
  }

  forget(site: Site): void {
    this.#sites.delete(site.name);
  }

  channel(id: string): Channel | undefined {
    return this.#channels.get(id);
  }

  /** Channels that have not ended, or whose results are to come. */
  get known(): number {
    return this.#channels.size;
  }

  channels(): IterableIterator<Channel> {
    return this.#channels.values();
  }

  addChannel(channel: Channel): void {
    this.#channels.set(channel.id, channel);
    channel.site?.channels.add(channel);
    if (channel.site !== undefined) this.strangerEnded(channel.id);
  }

  /** @param channels all of the worker's that are not in this book, with their site's name; none when it is lost */
  setStrangers(worker: string, channels: ReadonlyMap<string, string>): void {
    if (channels.size === 0 && !this.#strangers.has(worker)) return;
    if (channels.size === 0) this.#strangers.delete(worker);
    else this.#strangers.set(worker, channels);
    this.#countStrangers();
  }

  /** Nobody answers for it: it may be open all the same, until its worker has said that it is not, or is lost. */
  missed({ id, worker, site }: Channel): void {
    if (site !== undefined)
      this.setStrangers(worker, new Map(this.#strangers.get(worker)).set(id, site.name));
  }

  /** Those that have channels which are not in this book. */
  strangersOf(): IterableIterator<string> {
    return this.#strangers.keys();
  }

  /** Ours, and open as far as we know. */
  isOpen(id: string): boolean {
    const channel = this.#channels.get(id);
    return channel?.site?.channels.has(channel) === true;
  }

  strangerEnded(id: string): void {
    for (const [worker, channels] of this.#strangers)
      if (channels.has(id))
        this.setStrangers(worker, new Map([...channels].filter(([channel]) => channel !== id)));
  }

  /** By site: channels that it holds, or may, and that are not ours. */
  held(): ReadonlyMap<string, number> {
    const held = new Map<string, number>();
    for (const site of this.#sites.values()) held.set(site.name, site.channels.size + site.opening);
    for (const channels of this.#strangers.values())
      for (const name of channels.values()) held.set(name, (held.get(name) ?? 0) + 1);
    return held;
  }

  #countStrangers(): void {
    for (const site of this.#sites.values()) site.strangers = 0;
    for (const channels of this.#strangers.values()) {
      for (const name of channels.values()) {
        const site = this.#sites.get(name);
        if (site !== undefined) site.strangers++;
      }
    }
  }

  /** It takes no more jobs; it is known for as long as results of it are to come. */
  endChannel(channel: Channel): void {
    channel.closing = true;
    channel.site?.channels.delete(channel);
    if (channel.inFlight.size === 0) this.#channels.delete(channel.id);
  }

  /** The part is on its channel no more: an outcome is known, or it surely was not taken. */
  landed(part: Part): void {
    const { channel, site, mail } = part;
    if (channel === undefined || !channel.inFlight.delete(mail.id)) return;
    channel.octets -= mail.octets;
    channel.missing.delete(mail.id);
    part.channel = undefined;
    if (site !== undefined) site.inFlight--;
    const ended = channel.site === undefined || !channel.site.channels.has(channel);
    if (ended && channel.inFlight.size === 0) this.#channels.delete(channel.id);
  }

  /** Takes what waits of these mails out of the queues; what is in flight stays. */
  withdraw(mails: ReadonlySet<QueueMail>): void {
    const sites = new Set<Site>();
    for (const mail of mails) {
      for (const part of mail.parts)
        if (part.channel === undefined && part.site !== undefined) sites.add(part.site);
    }
    const matches = (part: Part): boolean => mails.has(part.mail);
    for (const site of sites) {
      for (const part of [...site.waiting.take(matches), ...site.alone.take(matches)]) part.mail.drop(part);
    }
  }

  /** @returns when the oldest mail that only waits for a channel was accepted, milliseconds since the epoch */
  oldestReadyAt(): number | undefined {
    let oldest: number | undefined;
    for (const { waiting, alone } of this.#sites.values())
      for (const part of [waiting.peek(), alone.peek()])
        if (part !== undefined) oldest = Math.min(oldest ?? Infinity, part.mail.acceptedAt);
    return oldest;
  }

  figures(): {
    readonly sites: number;
    readonly channels: number;
    readonly inFlight: number;
    readonly ready: number;
  } {
    let inFlight = 0;
    let channels = 0;
    for (const channel of this.#channels.values()) {
      inFlight += channel.inFlight.size;
      if (!channel.closing) channels++;
    }
    let ready = 0;
    for (const site of this.#sites.values()) ready += site.waits;
    return { sites: this.#sites.size, channels, inFlight, ready };
  }
}
