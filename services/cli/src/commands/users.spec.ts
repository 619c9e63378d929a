import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
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

test.each([
  [[], ''],
  [['add'], ''],
  [['add', 'x', '--senders', 'nobody'], 'x\n'],
  [['add', 'x'], ''],
  [['list', 'x', 'y'], ''],
  [['list', 'x'], ''],
  [['other', 'x'], ''],
])('%j makes no sense', (words, input) => {
  expect(users(words, input).code).toBe(2);
});
