/** The actors of this process by address, and what they did by protocol: for the short cut, and for `$SRV.*`. */
import { Refused, type Delivery, type Protocol, type RunningActor } from '@postrider/actor';
import { MailboxFull, NobodyAnswers, RemoteFault } from './errors.js';

/** What one message of a protocol was in this process, over all actors that took it. */
export interface MessageFigures {
  requests: number;
  errors: number;
  lastError: string;
  milliseconds: number;
}

/** A protocol that this process hosts or has hosted. */
export interface HostedProtocol {
  readonly protocol: Protocol;
  readonly started: Date;
  readonly figures: Readonly<Record<string, MessageFigures>>;
  /** Those that are hosted now. */
  readonly actors: Set<HostedActor>;
}

export class HostedActors {
  readonly protocols = new Map<string, HostedProtocol>();
  readonly #byAddress = new Map<string, HostedActor>();

  /** @throws when the address is taken */
  add(address: string, protocol: Protocol, key: string | undefined): HostedActor {
    if (this.#byAddress.has(address)) throw new Error(`${address} is hosted in this process already`);
    const hosted = new HostedActor(this.#protocol(protocol), key);
    this.#byAddress.set(address, hosted);
    hosted.of.actors.add(hosted);
    return hosted;
  }

  remove(address: string, hosted: HostedActor): void {
    hosted.of.actors.delete(hosted);
    if (this.#byAddress.get(address) === hosted) this.#byAddress.delete(address);
  }

  /** The actor, unless it is elsewhere or takes nothing now. */
  get(address: string): HostedActor | undefined {
    const hosted = this.#byAddress.get(address);
    return hosted === undefined || hosted.paused ? undefined : hosted;
  }

  /** Messages in mailboxes, by protocol: as few names as there are protocols, however many actors. */
  waiting(): Readonly<Record<string, number>> {
    return Object.fromEntries(
      [...this.protocols].map(([name, { actors }]) => [
        name,
        [...actors].reduce((sum, { actor }) => sum + (actor?.waiting ?? 0), 0),
      ]),
    );
  }

  #protocol(protocol: Protocol): HostedProtocol {
    const known = this.protocols.get(protocol.name);
    if (known) return known;
    const figures = Object.fromEntries(
      Object.keys(protocol.messages).map((message) => [
        message,
        { requests: 0, errors: 0, lastError: '', milliseconds: 0 },
      ]),
    );
    const added = { protocol, started: new Date(), figures, actors: new Set<HostedActor>() };
    this.protocols.set(protocol.name, added);
    return added;
  }
}

export class HostedActor {
  readonly of: HostedProtocol;
  readonly key: string | undefined;
  paused = false;
  /** Absent until its factory has returned. */
  actor: RunningActor | undefined;

  constructor(of: HostedProtocol, key: string | undefined) {
    this.of = of;
    this.key = key;
  }

  /** As RunningActor.take, counted; faults come as the bus's errors. */
  take({ message, payload, from, done }: Delivery): void {
    const figures = Object.hasOwn(this.of.figures, message) ? this.of.figures[message] : undefined;
    const since = performance.now();
    const counted = (fault: Error | undefined, answer: unknown): void => {
      if (figures) count(figures, performance.now() - since, fault);
      done(fault && asBusError(fault), answer);
    };
    if (this.actor) this.actor.take({ message, payload, from, done: counted });
    else counted(new Refused('stopped', 'the actor has not started'), undefined);
  }
}

function count(figures: MessageFigures, milliseconds: number, fault: Error | undefined): void {
  figures.requests++;
  figures.milliseconds += milliseconds;
  if (!fault) return;
  figures.errors++;
  figures.lastError = fault.message;
}

export function asBusError(fault: Error): Error {
  if (!(fault instanceof Refused)) return new RemoteFault(fault.message, { cause: fault });
  return fault.reason === 'mailbox full' ? new MailboxFull(fault.message) : new NobodyAnswers(fault.message);
}
