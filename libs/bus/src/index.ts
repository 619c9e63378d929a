export type { Bus, Hosted, HostOptions, Ref } from './bus.js';
export { BusAway, BusError, DeadlineExceeded, MailboxFull, NobodyAnswers, RemoteFault } from './errors.js';
