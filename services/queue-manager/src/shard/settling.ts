/**
 * After a takeover: mail found in the logs may be in flight in a worker, given out by the owner before us. Until each
 * worker has said what it holds - asked (inquiry.ts), or by its results, repeated every second, and its beats, every
 * two - such mail is not dispatched. New mail does not wait.
 */
import type { Timer } from '@postrider/actor';
import type { MailId } from '@postrider/mail';
import { channel as channelProtocol, times } from '@postrider/protocol';
import type { QueueMail } from '../mail/queue-mail.js';
import type { Channel } from '../sites/site.js';
import type { Sites } from '../sites/sites.js';
import type { ShardEnvironment } from './environment.js';
import { settlingTime } from './inquiry.js';
import { partOf } from './placing.js';

/** Workers that have not answered by then are lost; results that come again have come. */
const settledAfter = times.workerLost + times.resultRepeated;

export interface SettlingOptions {
  readonly environment: ShardEnvironment;
  readonly sites: Sites;
  /** Nobody holds it. */
  readonly free: (mail: QueueMail) => void;
}

interface Held {
  readonly channel: string;
  readonly worker: string;
}

export class Settling {
  readonly #options: SettlingOptions;
  readonly #mails = new Set<QueueMail>();
  /** Mails that workers hold, and that are yet to be read from the log or to come to their time. */
  readonly #named = new Map<MailId, Held>();
  #timer: Timer | undefined;
  /** Replaying may take longer, but a worker's channel must not stay for it. */
  #readsUntil = Infinity;
  #over = false;
  #timeIsOver = false;

  constructor(options: SettlingOptions) {
    this.#options = options;
  }

  /** Workers can be heard from now on. */
  begin(): void {
    const { clock } = this.#options.environment;
    this.#readsUntil = clock.monotonic() + settlingTime;
    this.#timer = clock.after(settledAfter, () => {
      this.#timeIsOver = true;
      this.#named.clear();
      this.settle();
    });
  }

  /** Still under way. */
  get under(): boolean {
    return !this.#over;
  }

  /** A result may be of a mail that is yet to be read: it has to come again. */
  get reads(): boolean {
    return (
      this.#options.environment.clock.monotonic() < this.#readsUntil &&
      this.#options.environment.owner.figures()['replaying'] === 1
    );
  }

  /** All workers have said what they hold, or had the time to: what nobody holds is free. */
  settle(): void {
    if (this.#over) return;
    this.#over = true;
    for (const mail of [...this.#mails]) {
      this.claim(mail);
      this.#options.free(mail);
    }
  }

  /** @returns false when it need not wait */
  add(mail: QueueMail): boolean {
    if (!mail.replayed) return false;
    const held = this.#named.get(mail.id);
    if (held !== undefined) this.#adopt(mail, held);
    if (held !== undefined) return true;
    if (this.#over) return false;
    mail.settling = true;
    this.#mails.add(mail);
    return true;
  }

  /** A worker holds it: in flight there when it comes. */
  named(id: MailId, held: Held): void {
    if (!this.#timeIsOver) this.#named.set(id, held);
  }

  /** There is a result. */
  heldNoMore(id: MailId): void {
    this.#named.delete(id);
  }

  /** Somebody knows of it: it waits no longer. @returns false when it was not waiting here */
  claim(mail: QueueMail): boolean {
    mail.settling = false;
    return this.#mails.delete(mail);
  }

  /** A worker holds it: it is in flight there until a result comes or the worker is lost. */
  adopt(mail: QueueMail, held: Held): void {
    if (this.claim(mail)) this.#adopt(mail, held);
  }

  end(): void {
    this.#timer?.cancel();
    this.#over = true;
    this.#timeIsOver = true;
  }

  #adopt(mail: QueueMail, held: Held): void {
    this.#named.delete(mail.id);
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

  #add({ channel: id, worker }: Held): Channel {
    const ref = this.#options.environment.bus.ref(channelProtocol, id);
    const empty = { inFlight: new Map(), octets: 0, reserved: false, fruitful: true, missing: new Map() };
    const channel: Channel = { id, worker, site: undefined, ref, closing: true, ...empty };
    this.#options.sites.addChannel(channel);
    return channel;
  }
}
