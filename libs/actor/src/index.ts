export { systemClock, type Clock, type Milliseconds, type Timer } from './clock.js';
export {
  defineProtocol,
  notice,
  request,
  type AnswerOf,
  type MessageDefinition,
  type Messages,
  type NoticeDefinition,
  type NoticeNames,
  type PayloadOf,
  type Protocol,
  type RequestDefinition,
  type RequestNames,
} from './protocol.js';
export type { Actor, ActorContext, Behaviour, Handlers, Origin, Supervision } from './behaviour.js';
export { Refused } from './refused.js';
export {
  mailboxDefault,
  startActor,
  type ActorOptions,
  type Delivery,
  type Done,
  type RunningActor,
} from './running-actor.js';
export { manualClock, type ManualClock } from './manual-clock.js';
