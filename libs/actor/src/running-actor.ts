/**
 * One running actor: its mailbox, its handlers, its supervision. Handlers that are not marked concurrent see one
 * message at a time, in the order of arrival; one that answers at once costs no turn of the event loop.
 */
import type { Actor, Behaviour, Origin, Supervision } from './behaviour.js';
import { systemClock, type Clock } from './clock.js';
import type { Messages } from './protocol.js';
import { Refused } from './refused.js';
import { Supervisor } from './supervisor.js';

export interface ActorOptions {
  /** Messages that may wait, default 1024, and concurrent ones that may be under way; one more is refused. */
  readonly mailbox?: number;
  readonly supervision?: Supervision;
  readonly clock?: Clock;
  /** Supervision has given up: the owner of the actor decides. Default: thrown in the process. */
  readonly escalate?: (fault: unknown) => void;
  /** Each fault of a handler, for the log: a notice has no asker that would hear of it. */
  readonly onFault?: (fault: Error, message: string) => void;
  /** The actor has ended, by its own will, by supervision or by `stop`. Called once. */
  readonly onEnded?: () => void;
}

/** Called once: with the fault, or with undefined and the answer. Must not throw. */
export type Done = (fault: Error | undefined, answer: unknown) => void;

export interface RunningActor {
  /** @returns the handler's answer; rejects with Refused when it was not handled, with the fault when it threw */
  deliver(message: string, payload: unknown, from: Origin): Promise<unknown>;
  /** The same without a promise: `done` is called before `take` returns when the handler answers at once. */
  take(delivery: Delivery): void;
  /** Takes no more, handles what waits, ends. What waits for a restart is refused. */
  stop(): Promise<void>;
  /** Messages in the mailbox. */
  readonly waiting: number;
}

export interface Delivery {
  readonly message: string;
  readonly payload: unknown;
  readonly from: Origin;
  readonly done: Done;
}

/** Ten thousand waiting messages would only be answered after their deadlines. */
export const mailboxDefault = 1024;

type Handler = (payload: unknown, from: Origin) => unknown;

export function startActor<M extends Messages>(
  messages: M,
  behaviour: Behaviour<M>,
  options: ActorOptions = {},
): RunningActor {
  return new MailboxActor(messages, behaviour, options);
}

class MailboxActor implements RunningActor {
  readonly #messages: Messages;
  readonly #options: ActorOptions;
  readonly #limit: number;
  readonly #supervisor: Supervisor;
  readonly #queue: Delivery[] = [];
  readonly #whenIdle: (() => void)[] = [];
  /** The incarnation that handles a message which wants to be alone: a fresh one need not wait for an old one's. */
  #alone: Actor<Messages> | undefined;
  #underWay = 0;
  #emptying = false;
  #stopping = false;

  constructor(messages: Messages, behaviour: Behaviour<Messages>, options: ActorOptions) {
    this.#messages = messages;
    this.#options = options;
    this.#limit = options.mailbox ?? mailboxDefault;
    this.#supervisor = new Supervisor(behaviour, {
      clock: options.clock ?? systemClock,
      supervision: options.supervision ?? { onFault: 'resume' },
      escalate: options.escalate ?? throwInProcess,
      running: () => this.#empty(),
      ended: () => {
        this.#refuseWaiting();
        options.onEnded?.();
      },
    });
  }

  get waiting(): number {
    return this.#queue.length;
  }

  deliver(message: string, payload: unknown, from: Origin): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const done: Done = (fault, answer) => (fault ? reject(fault) : resolve(answer));
      this.take({ message, payload, from, done });
    });
  }

  take(delivery: Delivery): void {
    const { message, done } = delivery;
    if (!Object.hasOwn(this.#messages, message)) {
      done(new Refused('unknown message', `no message '${message}'`), undefined);
      return;
    }
    if (this.#stopping || this.#supervisor.state === 'ended') {
      done(new Refused('stopped', 'the actor has ended'), undefined);
      return;
    }
    const actor = this.#supervisor.actor;
    const concurrent = this.#isConcurrent(message);
    // Concurrent messages don't wait for others, so they don't queue behind them.
    if (actor && (concurrent ? this.#underWay < this.#limit : this.#isFree(actor)))
      this.#handle(actor, delivery, !concurrent);
    else if ((concurrent && actor) || this.#queue.length >= this.#limit)
      done(new Refused('mailbox full', `${this.#limit} messages wait or are under way already`), undefined);
    else this.#queue.push(delivery);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#supervisor.state === 'pausing') this.#refuseWaiting();
    if (!this.#isIdle()) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    await this.#supervisor.end();
  }

  #isConcurrent(message: string): boolean {
    const definition = this.#messages[message];
    return definition?.kind === 'request' && definition.concurrent;
  }

  #isFree(actor: Actor<Messages>): boolean {
    return this.#alone !== actor && this.#queue.length === 0;
  }

  #handle(actor: Actor<Messages>, { message, payload, from, done }: Delivery, alone: boolean): void {
    this.#underWay++;
    if (alone) this.#alone = actor;
    const end = (): void => {
      this.#underWay--;
      if (alone && this.#alone === actor) this.#alone = undefined;
      this.#empty();
    };
    const failed = (thrown: unknown): void => {
      const fault = asError(thrown);
      this.#options.onFault?.(fault, message);
      this.#supervisor.fault(actor, fault);
      done(fault, undefined);
      end();
    };
    let answer: unknown;
    try {
      answer = (actor.handlers[message] as Handler)(payload, from);
    } catch (fault) {
      failed(fault);
      return;
    }
    if (answer instanceof Promise) {
      answer.then((value: unknown) => {
        done(undefined, value);
        end();
      }, failed);
      return;
    }
    done(undefined, answer);
    end();
  }

  /** Handles what waits, as far as the actor runs and is free. A loop: a full mailbox must not fill the stack. */
  #empty(): void {
    if (this.#emptying) return;
    this.#emptying = true;
    for (let next = this.#takeable(); next; next = this.#takeable()) {
      this.#queue.shift();
      this.#handle(next.actor, next.delivery, next.alone);
    }
    this.#emptying = false;
    this.#tellIdle();
  }

  #takeable(): { actor: Actor<Messages>; delivery: Delivery; alone: boolean } | undefined {
    const actor = this.#supervisor.actor;
    const delivery = this.#queue[0];
    if (!actor || !delivery) return undefined;
    const alone = !this.#isConcurrent(delivery.message);
    return alone && this.#alone === actor ? undefined : { actor, delivery, alone };
  }

  #isIdle(): boolean {
    return this.#underWay === 0 && this.#queue.length === 0;
  }

  #tellIdle(): void {
    if (this.#whenIdle.length === 0 || !this.#isIdle()) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  #refuseWaiting(): void {
    for (const { done } of this.#queue.splice(0))
      done(new Refused('stopped', 'the actor has ended'), undefined);
    this.#tellIdle();
  }
}

const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)));

/** A fault that nobody takes must not be swallowed: it ends the process as an uncaught one. */
function throwInProcess(fault: unknown): void {
  queueMicrotask(() => {
    throw asError(fault);
  });
}
