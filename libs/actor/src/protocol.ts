/**
 * A protocol is a typed value: each message an actor takes, what it carries and what is answered. The other
 * libraries derive from it: libs/bus the subjects, the behaviours their handler types, the docs' tests the lists.
 */
import type { Milliseconds } from './clock.js';

declare const types: unique symbol;

/** A message with an answer, imperative: `locate`, `open`. */
export interface RequestDefinition<Payload, Answer> {
  readonly kind: 'request';
  /** How long the asker waits before it must take the request for lost. */
  readonly deadline: Milliseconds;
  /** May be handled beside other messages; otherwise the mailbox gives one message at a time. */
  readonly concurrent: boolean;
  /** Never there: carries the types. */
  readonly [types]?: { readonly payload: Payload; readonly answer: Answer };
}

/** A message without an answer, for what may be lost: hints. */
export interface NoticeDefinition<Payload> {
  readonly kind: 'notice';
  readonly [types]?: { readonly payload: Payload };
}

export type MessageDefinition = RequestDefinition<unknown, unknown> | NoticeDefinition<unknown>;
export type Messages = Readonly<Record<string, MessageDefinition>>;

export interface Protocol<M extends Messages = Messages> {
  readonly name: string;
  /** `pool`: any instance of the service may answer. `keyed`: one actor a key. */
  readonly placement: 'pool' | 'keyed';
  readonly messages: M;
}

export type PayloadOf<D> =
  D extends RequestDefinition<infer Payload, unknown>
    ? Payload
    : D extends NoticeDefinition<infer Payload>
      ? Payload
      : never;
export type AnswerOf<D> = D extends RequestDefinition<unknown, infer Answer> ? Answer : never;
export type RequestNames<M extends Messages> = {
  [K in keyof M & string]: M[K]['kind'] extends 'request' ? K : never;
}[keyof M & string];
export type NoticeNames<M extends Messages> = {
  [K in keyof M & string]: M[K]['kind'] extends 'notice' ? K : never;
}[keyof M & string];

export function request<Payload, Answer>(options: {
  readonly deadline: Milliseconds;
  readonly concurrent?: boolean;
}): RequestDefinition<Payload, Answer> {
  return { kind: 'request', deadline: options.deadline, concurrent: options.concurrent ?? false };
}

export function notice<Payload>(): NoticeDefinition<Payload> {
  return { kind: 'notice' };
}

export function defineProtocol<M extends Messages>(
  name: string,
  placement: Protocol['placement'],
  messages: M,
): Protocol<M> {
  return { name, placement, messages };
}
