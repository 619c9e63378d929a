/**
 * What an actor does with its messages. A behaviour is a factory: each start, the first or a restart, makes fresh
 * state in the factory's closure.
 */
import type { Clock } from './clock.js';
import type { AnswerOf, Messages, PayloadOf } from './protocol.js';

export type Handlers<M extends Messages> = {
  readonly [K in keyof M]: M[K]['kind'] extends 'request'
    ? (payload: PayloadOf<M[K]>, from: Origin) => AnswerOf<M[K]> | Promise<AnswerOf<M[K]>>
    : (payload: PayloadOf<M[K]>, from: Origin) => void | Promise<void>;
};

/** Who asks, for logs and for trace context. */
export interface Origin {
  /** Instance name of the sending process. */
  readonly instance: string;
  readonly trace?: string;
}

export interface ActorContext {
  readonly clock: Clock;
  /** Ends this actor with a fault; its supervision decides what follows, and under `resume` it is escalated. */
  fail(fault: unknown): void;
  /** Ends this actor by its own will. */
  stop(): void;
}

export interface Actor<M extends Messages> {
  readonly handlers: Handlers<M>;
  /** Gives back what the actor holds; called once, also before a restart. */
  readonly stopped?: () => void | Promise<void>;
}

export type Behaviour<M extends Messages> = (context: ActorContext) => Actor<M>;

/** What follows a fault of a handler. A request whose handler threw is answered with the fault in each case. */
export type Supervision =
  | { readonly onFault: 'resume' }
  | {
      readonly onFault: 'restart';
      /** First pause before a restart, doubled each time up to `maximum`. */
      readonly minimum: number;
      readonly maximum: number;
      /** Restarts within one minute before it is escalated. */
      readonly restarts: number;
    }
  | { readonly onFault: 'stop' }
  | { readonly onFault: 'escalate' };
