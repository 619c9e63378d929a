export * from './spool.js';
export { connectJetStreamLog, type JetStreamOptions } from './jetstream.js';
export { ContentRefused } from './large-content.js';
export type {
  AppendOptions,
  AppendResult,
  Log,
  LogMessage,
  LogState,
  ReadLimit,
  Register,
  RegisterEntry,
} from './log.js';
export { NewerFormat } from './frame.js';
export { MemoryLog, MemoryStore } from './memory.js';
export { largeContentInOctets, shardNames, streamsOf, subjects } from './names.js';
export { StreamsMissing } from './jetstream.js';
export { connectSpool, memorySpool, spoolOver, type SpoolContext } from './open.js';
