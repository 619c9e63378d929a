/**
 * One running actor: its mailbox, its handlers, its supervision. Handlers that are not marked concurrent see one
 * message at a time; a handler that answers at once costs no turn of the event loop.
 */
import { Supervisor } from './supervisor.js';
import type { Actor, Behaviour, Origin, Supervision } from './behaviour.js';
import { systemClock, type Clock } from './clock.js';
import type { Messages } from './protocol.js';

export interface ActorOptions {
  /** Messages that may wait, default 1024; one more is refused. */
  readonly mailbox?: number;
  readonly supervision?: Supervision;
  readonly clock?: Clock;
  /** Supervision has given up: the owner of the actor decides. */
  readonly escalate?: (fault: unknown) => void;
}

export interface RunningActor {
  /**
   * Gives a message to the actor.
   * @returns its handler's answer; rejects with Refused when it was not handled, with the fault when its handler threw
   */
  deliver(message: string, payload: unknown, from: Origin): unknown;
  /** Takes no more, handles what waits, ends. */
  stop(): Promise<void>;
  readonly waiting: number;
}

/** The message was not handled: the mailbox is full, or the actor has ended, or knows no such message. */
export class Refused extends Error {
  constructor(
    readonly reason: 'mailbox full' | 'stopped' | 'unknown message',
    text: string,
  ) {
    super(text);
  }
}

/** Ten thousand waiting messages would only be answered after their deadlines. */
const mailboxDefault = 1024;

type Handler = (payload: unknown, from: Origin) => unknown;

interface Waiting {
  readonly message: string;
  readonly payload: unknown;
  readonly from: Origin;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (fault: unknown) => void;
}

export function startActor<M extends Messages>(
  messages: M,
  behaviour: Behaviour<M>,
  options: ActorOptions = {},
): RunningActor {
  return new MailboxActor(messages, behaviour as unknown as Behaviour<Messages>, options);
}

class MailboxActor implements RunningActor {
  readonly #messages: Messages;
  readonly #limit: number;
  readonly #supervisor: Supervisor;
  readonly #queue: Waiting[] = [];
  readonly #idle: (() => void)[] = [];
  #busy = false;
  #handling = 0;

  constructor(messages: Messages, behaviour: Behaviour<Messages>, options: ActorOptions) {
    this.#messages = messages;
    this.#limit = options.mailbox ?? mailboxDefault;
    this.#supervisor = new Supervisor(behaviour, {
      clock: options.clock ?? systemClock,
      supervision: options.supervision ?? { onFault: 'resume' },
      escalate: options.escalate ?? rethrow,
      running: () => this.#next(),
      ended: () => this.#refuseAll(),
    });
  }

  get waiting(): number {
    return this.#queue.length;
  }

  deliver(message: string, payload: unknown, from: Origin): unknown {
    const definition = Object.hasOwn(this.#messages, message) ? this.#messages[message] : undefined;
    if (!definition) throw new Refused('unknown message', `no message '${message}'`);
    if (this.#supervisor.state === 'ended') throw new Refused('stopped', 'the actor has ended');
    const actor = this.#supervisor.actor;
    if (actor && definition.kind === 'request' && definition.concurrent) return this.#handle(actor, message, payload, from);
    if (actor && !this.#busy && this.#queue.length === 0) return this.#handleAlone(actor, message, payload, from);
    if (this.#queue.length >= this.#limit) throw new Refused('mailbox full', `${this.#limit} messages wait already`);
    return new Promise((resolve, reject) => this.#queue.push({ message, payload, from, resolve, reject }));
  }

  async stop(): Promise<void> {
    if (this.#queue.length > 0 || this.#handling > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    await this.#supervisor.end();
  }

  #handle(actor: Actor<Messages>, message: string, payload: unknown, from: Origin): unknown {
    this.#handling++;
    try {
      const answer = (actor.handlers[message] as Handler)(payload, from);
      if (!(answer instanceof Promise)) {
        this.#handled();
        return answer;
      }
      return answer.then(
        (value: unknown) => {
          this.#handled();
          return value;
        },
        (fault: unknown) => {
          this.#handled();
          throw this.#faulted(actor, fault);
        },
      );
    } catch (fault) {
      this.#handled();
      throw this.#faulted(actor, fault);
    }
  }

  #handleAlone(actor: Actor<Messages>, message: string, payload: unknown, from: Origin): unknown {
    this.#busy = true;
    let answer: unknown;
    try {
      answer = this.#handle(actor, message, payload, from);
    } catch (fault) {
      this.#free();
      throw fault;
    }
    if (!(answer instanceof Promise)) {
      this.#free();
      return answer;
    }
    return answer.finally(() => this.#free());
  }

  #free(): void {
    this.#busy = false;
    if (this.#queue.length > 0) this.#next();
  }

  /** The next waiting message, if the actor runs and is free. */
  #next(): void {
    const actor = this.#supervisor.actor;
    if (!actor || this.#busy) return;
    const waiting = this.#queue.shift();
    if (!waiting) return;
    try {
      const answer = this.#handleAlone(actor, waiting.message, waiting.payload, waiting.from);
      if (answer instanceof Promise) answer.then(waiting.resolve, waiting.reject);
      else waiting.resolve(answer);
    } catch (fault) {
      waiting.reject(fault);
    }
    this.#whenIdle();
  }

  #handled(): void {
    this.#handling--;
    this.#whenIdle();
  }

  #whenIdle(): void {
    if (this.#handling > 0 || this.#queue.length > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #faulted(actor: Actor<Messages>, fault: unknown): Error {
    this.#supervisor.fault(actor, fault);
    return fault instanceof Error ? fault : new Error(String(fault));
  }

  #refuseAll(): void {
    for (const { reject } of this.#queue.splice(0)) reject(new Refused('stopped', 'the actor has ended'));
    this.#whenIdle();
  }
}

function rethrow(fault: unknown): void {
  // A fault that nobody takes must not be swallowed: it ends the process as an uncaught one.
  queueMicrotask(() => {
    throw fault instanceof Error ? fault : new Error(String(fault));
  });
}
