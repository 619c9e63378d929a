/** Users for specs. */
import { nobodysKeys } from './scram-keys.js';
import { makeUser } from './users-file.js';
import type { Users } from './users.js';

/** @param passwords by name */
export async function usersOf(passwords: Readonly<Record<string, string>>): Promise<Users> {
  const entries = Object.entries(passwords).map(
    async ([name, password]) => [name, await makeUser(name, password, [])] as const,
  );
  const users = new Map(await Promise.all(entries));
  return {
    checkPassword: (name, password) =>
      Promise.resolve(passwords[name] === password ? users.get(name) : undefined),
    scramKeys: (name) => users.get(name)?.scram ?? nobodysKeys(name, Buffer.from('secret')),
    identity: (name) => users.get(name),
  };
}
