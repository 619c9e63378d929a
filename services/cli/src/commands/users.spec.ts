import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const program = fileURLToPath(new URL('../../bin/postrider.js', import.meta.url));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postrider-users-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function users(words: readonly string[], input = ''): { code: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, 'users', ...words], {
    input,
    encoding: 'utf8',
    env: { ...process.env, POSTRIDER__DATA_DIR: folder },
  });
  return { code: status, output: stdout + stderr };
}

function atOnce(words: readonly string[], input: string): Promise<number | null> {
  const child = spawn(process.execPath, [program, 'users', ...words], {
    stdio: ['pipe', 'ignore', 'inherit'],
    env: { ...process.env, POSTRIDER__DATA_DIR: folder },
  });
  child.stdin.end(input);
  return new Promise((resolve) => child.once('close', resolve));
}

test('add, list, change, remove', () => {
  const file = join(folder, 'users');
  expect(users(['list']).code).toBe(1);
  const added = users(['add', 'ann@ours.test', '--senders', '@lists.test,x@y.test'], 'pass word\n');
  expect(added).toEqual({ code: 0, output: `added ann@ours.test in ${file}\n` });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(execFileSync('cat', [file], { encoding: 'utf8' })).not.toContain('pass word');
  expect(users(['add', 'bob'], 'x\n').code).toBe(0);
  expect(users(['add', 'bob'], 'y\n').output).toContain('changed bob');
  expect(JSON.parse(users(['list', '--json']).output)).toEqual([
    { name: 'ann@ours.test', senders: ['@lists.test', 'x@y.test'] },
    { name: 'bob', senders: [] },
  ]);
  // As it was written by `add`, so is it found (RFC 4013).
  expect(users(['remove', 'b\u00adob']).code).toBe(0);
  expect(users(['remove', 'bob'])).toEqual({ code: 1, output: `no user bob in ${file}\n` });
  chmodSync(file, 0o644);
  expect(users(['list'])).toMatchObject({ code: 1 });
  expect(users(['list']).output).toContain('chmod 600');
});

test('several at once: none is lost', async () => {
  const names = Array.from({ length: 6 }, (_, n) => `ann${n}`);
  expect(users(['add', 'bob'], 'x\n').code).toBe(0);
  const codes = await Promise.all([
    ...names.map((name) => atOnce(['add', name], 'x\n')),
    atOnce(['remove', 'bob'], ''),
  ]);
  expect(codes).toEqual([...names, 'bob'].map(() => 0));
  const listed = JSON.parse(users(['list', '--json']).output) as readonly { readonly name: string }[];
  expect(listed.map(({ name }) => name).sort()).toEqual(names);
  expect(readdirSync(folder)).toEqual(['users']);
});

test.each([
  [[], '', 'say list, add NAME or remove NAME'],
  [['add'], '', 'say list, add NAME or remove NAME'],
  [['add', ''], 'x\n', 'say list, add NAME or remove NAME'],
  [['add', 'ann b'], 'x\n', '"ann b" is no name of a user: use one word like ann or ann@example.org'],
  [['add', '#ann'], 'x\n', '"#ann" is no name of a user'],
  [['add', 'ann\u0007'], 'x\n', '"ann\\u0007" is no name of a user'],
  [['add', '\u00ad'], 'x\n', 'is no name of a user'],
  // The name is looked at before the password is asked for.
  [['add', 'ann b'], '', 'is no name of a user'],
  [['add', 'x'], '\n', 'the password is empty or has a control character'],
  [['add', 'x'], 'a\tb\n', 'the password is empty or has a control character'],
  [['add', 'x', '--senders', 'nobody'], 'x\n', "'nobody' is no sender: use an address, @domain or *"],
  [['add', 'x'], '', 'the first line of standard input: there is none'],
  [['remove', 'x', '--senders', '*'], '', '--senders goes with add only'],
  [['list', 'x', 'y'], '', "'y' is a word too many"],
  [['list', 'x'], '', 'say list, add NAME or remove NAME'],
  [['other', 'x'], '', 'say list, add NAME or remove NAME'],
])('%j makes no sense', (words, input, text) => {
  const { code, output } = users(words, input);
  expect(output).toContain(text);
  expect(output).toContain('\nusage: postrider users list');
  expect(code).toBe(2);
  expect(existsSync(join(folder, 'users'))).toBe(false);
});
