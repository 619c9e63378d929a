export * from './spool.js';
export { ContentRefused } from './large-content.js';
export { MemoryStore } from './memory.js';
export type { JetStreamOptions } from './jetstream.js';
export { largeContentInOctets, shardNames } from './names.js';
export { connectSpool, memorySpool } from './open.js';
