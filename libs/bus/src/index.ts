export { addressOf, isWithin } from './addresses.js';
export type { Bus, Hosted, HostOptions, Ref } from './bus.js';
export {
  BusAway,
  BusError,
  DeadlineExceeded,
  MailboxFull,
  NobodyAnswers,
  PayloadTooLarge,
  RemoteFault,
} from './errors.js';
export { statusRecord } from './event-record.js';
export { memoryBus, type MemoryBus } from './memory-bus.js';
export { connectBus, type BusLog, type BusOptions } from './nats-bus.js';
export type { Watch, Watched } from './watch.js';
