/**
 * The users' file, a line a user, fields with spaces between them:
 *
 *   name $scrypt$… SCRAM-SHA-256$… [senders=a@example.org,@example.net]
 *
 * `#` begins a comment. A name holds no space.
 */
import { parsePasswordHash, printPasswordHash, type PasswordHash } from './password.js';
import { prepared } from './prepare.js';
import { parseScramKeys, printScramKeys } from './scram-keys.js';
import type { Identity, ScramKeys } from './users.js';

export interface User extends Identity {
  readonly password: PasswordHash;
  readonly scram: ScramKeys;
}

/** Where and what is wrong, without what the line holds. */
export class UsersFileError extends Error {}

/** What is to be a user can't be one. */
export class BadUser extends Error {}

/** @returns the name as it is kept. @throws BadUser for what a line can't hold as one */
export function userName(text: string): string {
  const name = prepared(text);
  if (name === undefined || /\s|^#/.test(name))
    throw new BadUser(
      `${JSON.stringify(text)} is no name of a user: use one word like ann or ann@example.org, without a space, a control character or # in front`,
    );
  return name;
}

/** @throws UsersFileError for the first bad line */
export function parseUsers(text: string, file: string): ReadonlyMap<string, User> {
  const users = new Map<string, User>();
  text.split(/\r?\n/).forEach((line, n) => {
    if (line.trim() === '' || line.startsWith('#')) return;
    const user = parseUser(line);
    if (typeof user === 'string') throw new UsersFileError(`${file}:${n + 1}: ${user}`);
    if (users.has(user.name)) throw new UsersFileError(`${file}:${n + 1}: this name stands above already`);
    users.set(user.name, user);
  });
  return users;
}

function parseUser(line: string): User | string {
  const [name = '', hash = '', keys = '', senders, ...more] = line.trim().split(/[ \t]+/);
  const password = parsePasswordHash(hash);
  if (!password) return 'the second field must be $scrypt$…, as `postrider users add` writes it';
  const scram = parseScramKeys(keys);
  if (!scram) return 'the third field must be SCRAM-SHA-256$…, as `postrider users add` writes it';
  if (more.length > 0 || (senders !== undefined && !senders.startsWith('senders=')))
    return 'after the third field only senders=address,@domain may follow';
  return { name, password, scram, senders: senders?.slice('senders='.length).split(',') ?? [] };
}

export function printUsers(users: Iterable<User>): string {
  return [...users].map((user) => `${printUser(user)}\n`).join('');
}

function printUser({ name, password, scram, senders }: User): string {
  const own = senders.length === 0 ? '' : ` senders=${senders.join(',')}`;
  return `${name} ${printPasswordHash(password)} ${printScramKeys(scram)}${own}`;
}
