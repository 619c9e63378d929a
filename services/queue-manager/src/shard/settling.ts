/**
 * After a takeover: mail found in the logs may be in flight in a worker, given out by the owner before us. Workers
 * repeat their results every second and beat every two with what they hold; until each had its chance to say so, such
 * mail is not dispatched. New mail does not wait.
 */
import type { Timer } from '@postrider/actor';
import { channel as channelProtocol, times } from '@postrider/protocol';
import type { QueueMail } from '../mail/queue-mail.js';
import type { Channel } from '../sites/site.js';
import type { Sites } from '../sites/sites.js';
import type { ShardEnvironment } from './environment.js';
import { partOf } from './placing.js';

/** One beat, and what it may be late. */
export const settlingTime = times.beat + 500;

export interface SettlingOptions {
  readonly environment: ShardEnvironment;
  readonly sites: Sites;
  /** Nobody holds it. */
  readonly free: (mail: QueueMail) => void;
}

export class Settling {
  readonly #options: SettlingOptions;
  readonly #mails = new Set<QueueMail>();
  readonly #timer: Timer;
  #over = false;

  constructor(options: SettlingOptions) {
    this.#options = options;
    this.#timer = options.environment.clock.after(settlingTime, () => this.#end());
  }

  /** Still under way. */
  get under(): boolean {
    return !this.#over;
  }

  /** @returns false when it need not wait */
  add(mail: QueueMail): boolean {
    if (this.#over || !mail.replayed) return false;
    mail.settling = true;
    this.#mails.add(mail);
    return true;
  }

  /** Somebody knows of it: it waits no longer. @returns false when it was not waiting here */
  claim(mail: QueueMail): boolean {
    mail.settling = false;
    return this.#mails.delete(mail);
  }

  /** A worker holds it: it is in flight there until a result comes or the worker is lost. */
  adopt(mail: QueueMail, held: { readonly channel: string; readonly worker: string }): void {
    if (!this.claim(mail)) return;
    const channel = this.#options.sites.channel(held.channel) ?? this.#add(held);
    const part = {
      ...partOf(mail, undefined, mail.open),
      channel,
      confirmed: true,
      since: this.#options.environment.clock.now(),
    };
    mail.addParts(part);
    channel.inFlight.set(mail.id, part);
    channel.octets += mail.octets;
  }

  end(): void {
    this.#timer.cancel();
    this.#over = true;
  }

  #add({ channel: id, worker }: { readonly channel: string; readonly worker: string }): Channel {
    const ref = this.#options.environment.bus.ref(channelProtocol, id);
    const empty = { inFlight: new Map(), octets: 0, reserved: false, fruitful: true, missing: new Map() };
    const channel: Channel = { id, worker, site: undefined, ref, closing: true, ...empty };
    this.#options.sites.addChannel(channel);
    return channel;
  }

  #end(): void {
    this.#over = true;
    for (const mail of [...this.#mails]) {
      this.claim(mail);
      this.#options.free(mail);
    }
  }
}
