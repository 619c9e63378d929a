/** Whether a name is somebody's can't be told from what its check costs: the work is counted, not the time. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type * as crypto from 'node:crypto';
import { login, plain } from './plain.js';
import type { SaslContext } from './sasl.js';
import { scramSha256 } from './scram.js';
import { makeUser, UsersFile, writeUsers } from './users-file.js';

/** What each call of scrypt was asked for, and how often HMAC was begun. */
const work = vi.hoisted(() => ({ scrypt: [] as unknown[], hmac: 0 }));
vi.mock('node:crypto', async (original) => {
  const actual = await original<typeof crypto>();
  const { scrypt, createHmac } = actual;
  return {
    ...actual,
    scrypt: (...words: Parameters<typeof scrypt>) => {
      const [, salt, length, options] = words;
      work.scrypt.push({ saltInOctets: Buffer.byteLength(salt), length, options });
      scrypt(...words);
    },
    createHmac: (...words: Parameters<typeof createHmac>) => {
      work.hmac++;
      return createHmac(...words);
    },
  };
});

let folder: string;
let file: string;
let users: UsersFile;
const ignore = { reloaded: () => undefined, failed: () => undefined };
const context = (): SaslContext => ({
  users,
  binding: () => undefined,
  offersBinding: false,
  tokens: undefined,
});

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postrider-work-'));
  file = join(folder, 'users');
  writeUsers(file, [await makeUser('ann@b.test', 'one', []), await makeUser('bob', 'two', [])]);
  users = new UsersFile(file, ignore);
  work.scrypt.length = 0;
});
afterEach(() => {
  users.stop();
  rmSync(folder, { recursive: true });
});

/** By PLAIN and LOGIN. @returns the work of each */
async function workOf(name: string, password: string): Promise<unknown> {
  const done: unknown[] = [];
  const begun = [plain, login].map((mechanism) => mechanism.begin(context()));
  const said = [[`\0${name}\0${password}`], [name, password]];
  for (const [n, exchange] of begun.entries()) {
    for (const text of said[n] ?? []) await exchange.respond(Buffer.from(text));
    done.push([...work.scrypt.splice(0)]);
  }
  return done;
}

test('a wrong password, a name that nobody has and one that nobody can have cost one scrypt each, of one kind', async () => {
  const expected = await workOf('ann@b.test', 'wrong');
  const one = { saltInOctets: 16, length: 32, options: { N: 16384, r: 8, p: 1, maxmem: 256 * 1024 * 1024 } };
  expect(expected).toEqual([[one], [one]]);
  for (const [name, password] of [
    ['ann@b.test', 'one'],
    ['nobody@b.test', 'wrong'],
    ['\u0007', 'wrong'],
    ['nobody', '\u0007'],
  ] as const)
    expect(await workOf(name, password), name).toEqual(expected);
});

test('SCRAM: as many answers for a name that nobody has, of one form, and as much work as a wrong proof', async () => {
  const dialogue = async (name: string): Promise<unknown> => {
    const exchange = scramSha256.begin(context());
    const first = await exchange.respond(Buffer.from(`n,,n=${name},r=abc`));
    const challenge = first.result === 'challenge' ? first.challenge.toString() : '';
    const [, nonce = '', salt = '', rounds] = /^r=(abc\S+),s=(\S+),i=([0-9]+)$/.exec(challenge) ?? [];
    work.hmac = 0;
    const proof = Buffer.alloc(32, 1).toString('base64');
    const second = await exchange.respond(Buffer.from(`c=biws,r=${nonce},p=${proof}`));
    return { saltInOctets: Buffer.from(salt, 'base64').length, rounds, second, hmac: work.hmac };
  };
  expect(await dialogue('nobody')).toEqual(await dialogue('ann@b.test'));
});

test('salts of a name that nobody has: the same for each process that reads the file, and after a restart', async () => {
  const salt = users.scramKeys('nobody').salt.toString('hex');
  const other = new UsersFile(file, ignore);
  expect(other.scramKeys('nobody').salt.toString('hex')).toBe(salt);
  other.stop();
  expect(users.scramKeys('nobody2').salt.toString('hex')).not.toBe(salt);
  writeUsers(file, [...[await makeUser('new', 'three', [])]]);
  users.reload();
  expect(users.scramKeys('nobody').salt.toString('hex')).not.toBe(salt);
});
