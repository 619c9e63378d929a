export { askServer, type ServerFacts } from './ask-server.js';
export { connectNats, inboxOf, type NatsAddress } from './connect.js';
export { findNatsServer, NoServer, type FindOptions, type FoundServer } from './find.js';
export { readConnection, startOwnServer } from './own-server.js';
export { serverSettings, type ClusterSettings, type ServerSettings } from './server-settings.js';
export { ServerFailed, startNatsServer, type RunningServer, type StartOptions } from './start.js';
export { createUserKey, type UserKey } from './user-key.js';
export { isAtLeast, oldestVersion, pinnedVersion, versionOf } from './version.js';
export { watchForWriteErrors, type WriteErrorWatch } from './write-errors.js';
