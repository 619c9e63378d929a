/** The actors of this process by address: the short cut that spares messages the way over NATS. */
import { Refused, type Origin, type RunningActor } from '@postrider/actor';
import { MailboxFull, NobodyAnswers, RemoteFault } from './errors.js';

export class HostedActors {
  readonly #actors = new Map<string, { readonly actor: RunningActor; paused: boolean }>();

  add(address: string, actor: RunningActor): void {
    if (this.#actors.has(address)) throw new Error(`${address} is hosted in this process already`);
    this.#actors.set(address, { actor, paused: false });
  }

  remove(address: string): void {
    this.#actors.delete(address);
  }

  pause(address: string, paused: boolean): void {
    const hosted = this.#actors.get(address);
    if (hosted) hosted.paused = paused;
  }

  /** The actor, unless it is elsewhere or takes nothing now. */
  get(address: string): RunningActor | undefined {
    const hosted = this.#actors.get(address);
    return hosted === undefined || hosted.paused ? undefined : hosted.actor;
  }
}

/** Delivers and turns what the actor says of itself into the bus's errors. */
export async function deliverHere(actor: RunningActor, message: string, payload: unknown, from: Origin): Promise<unknown> {
  try {
    return await actor.deliver(message, payload, from);
  } catch (fault) {
    throw asBusError(fault);
  }
}

export function asBusError(fault: unknown): Error {
  if (fault instanceof Refused) {
    return fault.reason === 'mailbox full' ? new MailboxFull(fault.message) : new NobodyAnswers(fault.message);
  }
  return new RemoteFault(fault instanceof Error ? fault.message : String(fault), { cause: fault });
}
