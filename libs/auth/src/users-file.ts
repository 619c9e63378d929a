/**
 * Users kept in a file that only its owner may read (0600), or only we by our group (0440, as a Secret is mounted): read
 * when it changes, and changed as a whole.
 */
import { randomBytes } from 'node:crypto';
import { chownSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { WatchedFiles } from '@postrider/runtime';
import { withFileLock } from './file-lock.js';
import { hashPassword, isPassword, nobodysHash, type PasswordHash } from './password.js';
import { prepared } from './prepare.js';
import { makeScramKeys, nobodysKeys } from './scram-keys.js';
import type { Identity, ScramKeys, Users } from './users.js';
import { BadUser, parseUsers, printUsers, userName, UsersFileError, type User } from './users-text.js';

const groupAndOthers = 0o077;
const othersAndGroupWrite = 0o027;

/** @returns nobody when there is no file; @throws UsersFileError also for a file that others may read */
export function readUsers(file: string): ReadonlyMap<string, User> {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found) return new Map();
  // A file of somebody else is ours by its group alone, which is then ours alone.
  const closed = found.uid === process.getuid?.() ? groupAndOthers : othersAndGroupWrite;
  if ((found.mode & closed) !== 0)
    throw new UsersFileError(`${file}: others may read it; say: chmod 600 ${file}`);
  return parseUsers(readFileSync(file, 'utf8'), file);
}

/** In the place of the old file, whole or not at all. Written by root it stays that of the one who is to read it. */
export function writeUsers(file: string, users: Iterable<User>): void {
  mkdirSync(dirname(file), { recursive: true });
  const { uid, gid } = statSync(file, { throwIfNoEntry: false }) ?? statSync(dirname(file));
  const written = `${file}.${process.pid}.new`;
  writeFileSync(written, printUsers(users), { mode: 0o600, flush: true });
  if (process.getuid?.() === 0) chownSync(written, uid, gid);
  renameSync(written, file);
}

/**
 * Others that change the file at the same time wait for one another.
 * @param change makes the users from those that are there; where it returns the same map, nothing is written
 * @returns those that were there. @throws UsersFileError
 */
export async function changeUsers(
  file: string,
  change: (users: ReadonlyMap<string, User>) => ReadonlyMap<string, User>,
): Promise<ReadonlyMap<string, User>> {
  mkdirSync(dirname(file), { recursive: true });
  return withFileLock(file, () => {
    const before = readUsers(file);
    const after = change(before);
    if (after !== before) writeUsers(file, after.values());
    return before;
  });
}

/** @throws BadUser for a name or a password that SASLprep does not allow, or the file can't hold */
export async function makeUser(name: string, password: string, senders: readonly string[]): Promise<User> {
  const user = userName(name);
  const secret = prepared(password);
  if (secret === undefined) throw new BadUser('the password is empty or has a control character');
  return { name: user, password: await hashPassword(secret), scram: await makeScramKeys(secret), senders };
}

export interface UsersFileListeners {
  readonly reloaded: (users: number) => void;
  readonly failed: (text: string) => void;
}

export class UsersFile implements Users {
  readonly #file: string;
  readonly #listeners: UsersFileListeners;
  /** Where there is nobody. */
  readonly #ownSecret = randomBytes(32);
  readonly #nobody: PasswordHash = nobodysHash();
  readonly #watched: WatchedFiles;
  #users: ReadonlyMap<string, User>;

  /** @throws UsersFileError */
  constructor(file: string, listeners: UsersFileListeners) {
    this.#file = file;
    this.#listeners = listeners;
    // It may come later: then its folder is what is watched.
    mkdirSync(dirname(file), { recursive: true });
    this.#watched = new WatchedFiles([file], {
      changed: () => this.reload(),
      failed: ({ message }) => listeners.failed(message),
    });
    this.#users = readUsers(file);
    this.#watched.begin();
  }

  async checkPassword(name: string, password: string): Promise<Identity | undefined> {
    const user = this.#find(name);
    const right = await isPassword(prepared(password) ?? '', user?.password ?? this.#nobody);
    return right ? user : undefined;
  }

  scramKeys(name: string): ScramKeys {
    // All that would be the same name to somebody is so to nobody.
    return this.#find(name)?.scram ?? nobodysKeys(prepared(name) ?? name, this.#secret);
  }

  identity(name: string): Identity | undefined {
    return this.#find(name);
  }

  /** Reads the file now. A bad one leaves the old users in force. */
  reload(): void {
    try {
      this.#users = readUsers(this.#file);
      this.#listeners.reloaded(this.#users.size);
    } catch (error) {
      this.#listeners.failed(error instanceof Error ? error.message : String(error));
    }
  }

  stop(): void {
    this.#watched.stop();
  }

  /**
   * The salts of those who are not there must not change where others' don't: after a restart, or from one process to
   * the next that has the same file. Nobody knows his own hash, since its salt is told to none.
   */
  get #secret(): Buffer {
    const [first] = this.#users.values();
    return first?.password.hash ?? this.#ownSecret;
  }

  #find(name: string): User | undefined {
    const found = prepared(name);
    return found === undefined ? undefined : this.#users.get(found);
  }
}
