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
export { OpenRecipientColumns } from './open-recipient-columns.js';
export { MemoryLog, MemoryStore } from './memory.js';
export {
  largeContentInOctets,
  quarantineOf,
  quarantineStream,
  shardNames,
  streamsOf,
  subjects,
} from './names.js';
export { backUpShard, BackupFailed, type BackupOptions, type StreamExtent } from './backup.js';
export { BackupFileWriter, DamagedBackup, readBackupFile } from './backup-file.js';
export { holdAll } from './hold-all.js';
export { HeldBackByAnother } from './hold-back.js';
export { RestoreUnderWay, StreamsMissing } from './jetstream.js';
export { loadStream, RestoreFailed, type LoadOptions } from './restore.js';
export { connectStoreAdmin, isOfShard, type StoreAdmin } from './store-admin.js';
export { shardStreams } from './names.js';
export { connectSpool, memorySpool, spoolOver, type SpoolContext } from './open.js';
