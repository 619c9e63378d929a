import { chmodSync, chownSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AuthGuard } from './guard.js';
import { parsePasswordHash, printPasswordHash } from './password.js';
import { prepared } from './prepare.js';
import { maySendAs } from './senders.js';
import { makeUser, readUsers, UsersFile, writeUsers } from './users-file.js';
import { parseUsers, printUsers } from './users-text.js';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postrider-users-'));
  file = join(folder, 'users');
});
afterEach(() => rmSync(folder, { recursive: true }));

const ignore = { reloaded: () => undefined, failed: () => undefined };

test('users are kept, for the owner alone, and their passwords are right', async () => {
  writeUsers(file, [
    await makeUser('ann@b.test', 'one', ['@c.test', 'x@d.test']),
    await makeUser('bob', 'two', []),
  ]);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const users = new UsersFile(file, ignore);
  expect(await users.checkPassword('ann@b.test', 'one')).toMatchObject({
    name: 'ann@b.test',
    senders: ['@c.test', 'x@d.test'],
  });
  for (const [name, password] of [
    ['ann@b.test', 'two'],
    ['bob', ''],
    ['nobody', 'one'],
    ['', ''],
  ] as const)
    expect(await users.checkPassword(name, password)).toBeUndefined();
  expect(users.identity('nobody')).toBeUndefined();
  users.stop();
});

test('ways to write one name have the same salt, whether somebody has it or not', async () => {
  writeUsers(file, [await makeUser('ann@b.test', 'one', [])]);
  const users = new UsersFile(file, ignore);
  const salts = (...names: readonly string[]): readonly string[] =>
    names.map((name) => users.scramKeys(name).salt.toString('hex'));
  for (const name of ['ann@b.test', 'nobody@b.test'])
    expect(new Set(salts(name, `\u00ad${name}`, name.replace('@', '\uff20'))).size, name).toBe(1);
  expect(new Set(salts('nobody', 'noone')).size).toBe(2);
  users.stop();
});

test('a file that others may read is refused; none is nobody', async () => {
  expect(readUsers(file).size).toBe(0);
  writeUsers(file, [await makeUser('bob', 'two', [])]);
  chmodSync(file, 0o640);
  expect(() => readUsers(file)).toThrow(`others may read it; say: chmod 600 ${file}`);
});

test.runIf(process.getuid?.() === 0)(
  'of another owner it may be ours by its group, as a Secret is',
  async () => {
    writeUsers(file, [await makeUser('bob', 'two', [])]);
    chownSync(file, 10_002, 0);
    for (const [mode, allowed] of [
      [0o440, true],
      [0o460, false],
      [0o444, false],
    ] as const) {
      chmodSync(file, mode);
      if (allowed) expect(readUsers(file).size).toBe(1);
      else expect(() => readUsers(file)).toThrow('others may read it');
    }
  },
);

test.runIf(process.getuid?.() === 0)(
  'written by root it stays readable for who owns it, or its folder',
  async () => {
    const user = await makeUser('bob', 'two', []);
    const owner = (): readonly number[] => [
      statSync(file).uid,
      statSync(file).gid,
      statSync(file).mode & 0o777,
    ];
    chownSync(folder, 10_002, 10_003);
    writeUsers(file, [user]);
    expect(owner()).toEqual([10_002, 10_003, 0o600]);
    chownSync(file, 10_004, 10_005);
    writeUsers(file, [user, { ...user, name: 'ann' }]);
    expect(owner()).toEqual([10_004, 10_005, 0o600]);
    expect(readUsers(file).size).toBe(2);
  },
);

test('a changed file is read; a bad one leaves the users that were', async () => {
  const seen: string[] = [];
  const users = new UsersFile(file, {
    reloaded: (count) => seen.push(`${count} users`),
    failed: (text) => seen.push(text),
  });
  writeUsers(file, [await makeUser('bob', 'two', [])]);
  users.reload();
  expect(users.identity('bob')?.name).toBe('bob');
  writeFileSync(file, 'bob plain-text');
  users.reload();
  expect(users.identity('bob')?.name).toBe('bob');
  expect(seen[0]).toBe('1 users');
  expect(seen[1]).toContain(`${file}:1: the second field must be $scrypt$`);
  expect(seen.join()).not.toContain('plain-text');
  users.stop();
  expect(existsSync(file)).toBe(true);
});

test('what is written can be read, and no text throws another way', async () => {
  const user = await makeUser('bob', 'two', ['*']);
  expect([...parseUsers(printUsers([user]), 'x').values()]).toEqual([user]);
  expect(parsePasswordHash(printPasswordHash(user.password))).toEqual(user.password);
  const part = fc.oneof(
    fc.constantFrom('$scrypt$ln=14,r=8,p=1$', 'SCRAM-SHA-256$', 'senders=', ' ', '\n', '#', 'AAAA'),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      try {
        parseUsers(parts.join(''), 'x');
      } catch (error) {
        expect(String(error)).toMatch(/^Error: x:\d+: /);
      }
    }),
  );
});

test.each([
  ['a', 'a'],
  ['a\u00adb', 'ab'],
  ['\u2168', 'IX'],
  ['\u00aa', 'a'],
  ['a\u00a0b', 'a b'],
  ['', undefined],
  ['\u00ad', undefined],
  ['a\0b', undefined],
  ['\u0007', undefined],
])('SASLprep of %j is %j (RFC 4013 §3)', (text, expected) => {
  expect(prepared(text)).toBe(expected);
});

describe('who may send from what', () => {
  const local = new Set(['ours.test']);
  test.each([
    ['ann@b.test', [], 'ann@b.test', true],
    ['ann@b.test', [], 'ANN@B.test', true],
    ['ann@b.test', [], 'bob@b.test', false],
    ['ann@b.test', ['@c.test'], 'x@c.test', true],
    ['ann@b.test', ['@c.test'], 'x@d.c.test', false],
    ['ann@b.test', ['x@d.test'], 'x@d.test', true],
    ['ann', [], 'ann@ours.test', true],
    ['ann', [], 'ann@else.test', false],
    ['ann', ['*'], 'anybody@else.test', true],
  ])('%s with %j, %s: %s', (name, senders, address, expected) => {
    expect(maySendAs({ name, senders }, address, local)).toBe(expected);
  });
});

describe('failures', () => {
  test('make the answer later, then bar, and are forgotten', () => {
    let time = 0;
    const guard = new AuthGuard({ now: () => time, limit: () => 4, withinMilliseconds: 600_000 });
    const delays = Array.from({ length: 5 }, () => guard.failed('address', 'name'));
    expect(delays).toEqual([500, 1000, 2000, 4000, 8000]);
    expect(guard.isBarred('other', 'name')).toBe(true);
    expect(guard.isBarred('other')).toBe(false);
    time = 600_001;
    expect(guard.isBarred('address', 'name')).toBe(false);
  });
  test('success forgets those of the name, and no others of the address', () => {
    const guard = new AuthGuard({ now: () => 0, limit: () => 3, withinMilliseconds: 1 });
    guard.failed('address', 'ann');
    guard.failed('address', 'ann');
    guard.succeeded('address', 'ann');
    guard.failed('address', 'bob');
    guard.failed('address', 'cid');
    expect(guard.isBarred('address', 'ann')).toBe(false);
    guard.succeeded('address', 'ann');
    guard.failed('address', 'dan');
    expect(guard.isBarred('address')).toBe(true);
    expect(guard.isBarred('ann')).toBe(false);
  });
});
