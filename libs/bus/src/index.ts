export type { Bus, Hosted, HostOptions, Ref } from './bus.js';
export { BusAway, BusError, DeadlineExceeded, MailboxFull, NobodyAnswers, RemoteFault } from './errors.js';
export { memoryBus, type MemoryBus } from './memory-bus.js';
export { connectBus, type BusOptions } from './nats-bus.js';
