export type { Identity, ScramKeys, Users } from './users.js';
export { makeUser, readUsers, UsersFile, writeUsers, type UsersFileListeners } from './users-file.js';
export { printUsers, UsersFileError, type User } from './users-text.js';
export { login, plain } from './plain.js';
export type { BindingType, Mechanism, SaslContext, SaslExchange, SaslStep } from './sasl.js';
export { scramSha256, scramSha256Plus } from './scram.js';
export { maySendAs } from './senders.js';
export { AuthGuard } from './guard.js';
