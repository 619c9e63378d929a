export type { Identity, ScramKeys, Users } from './users.js';
export {
  changeUsers,
  makeUser,
  readUsers,
  UsersFile,
  writeUsers,
  type UsersFileListeners,
} from './users-file.js';
export { FileLocked } from './file-lock.js';
export type { BearerTokens, TokenVerdict } from './bearer-tokens.js';
export { jwksTokens, type JwksListeners, type JwksRules } from './jwks-tokens.js';
export { BadUser, printUsers, userName, UsersFileError, type User } from './users-text.js';
export { prepared } from './prepare.js';
export { login, plain } from './plain.js';
export { oauthBearer, xoauth2 } from './oauth.js';
export type { BindingType, Mechanism, SaslContext, SaslExchange, SaslStep } from './sasl.js';
export { scramSha256, scramSha256Plus } from './scram.js';
export { maySendAs } from './senders.js';
export { AuthGuard } from './guard.js';
