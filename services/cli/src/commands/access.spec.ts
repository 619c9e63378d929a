import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const program = fileURLToPath(new URL('../../bin/postrider.js', import.meta.url));
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'postrider-access-'));
  writeFileSync(join(folder, 'access'), '# file\nto=@secret.test reject\nname=.bad.test hold Odd\n');
  writeFileSync(join(folder, 'p.yaml'), 'access: { rules: ["client=192.0.2.0/24 relay"], file: access }\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

test.each([
  ['bad', 'reject\nnonsense\n', /^postrider: .*bad:2: 'nonsense' is no action/],
  ['none', undefined, /^postrider: access\.file: ENOENT/],
])('a file that is %s: one line, exit 1', (name, text, problem) => {
  if (text !== undefined) writeFileSync(join(folder, name), text);
  const config = join(folder, `${name}.yaml`);
  writeFileSync(config, `access: { file: ${name} }\n`);
  const { status, stderr } = spawnSync(
    process.execPath,
    [program, ...'access check --client ::1 --from a@b.test --to c@d.test --config'.split(' '), config],
    { encoding: 'utf8' },
  );
  expect(stderr).toMatch(problem);
  expect(status).toBe(1);
});

test.each<[string, number, string]>([
  ['check --client 192.0.2.1 --from a@b.test --to c@d.test', 0, 'access.rules[0]: client=192.0.2.0/24 relay'],
  ['check --client ::1 --from a@b.test --to c@secret.test', 0, 'access:2: to=@secret.test reject'],
  [
    'check --client ::1 --name x.bad.test --from a@b.test --to c@d.test',
    0,
    'access:3: name=.bad.test hold Odd',
  ],
  ['check --client ::1 --from a@b.test --to c@d.test', 1, 'no rule of 3 decides'],
  ['check --client ::1 --from a@b.test', 2, 'say'],
  ['check --client ::1 --from <> --to c@secret.test', 0, 'access:2: to=@secret.test reject'],
  ['check --client mx.b.test --from a@b.test --to c@d.test', 2, 'is an IP address, not'],
  ['check --client ::1 --listener x --from a@b.test --to c@d.test', 2, 'one of mx'],
  ['check --client ::1 --from nobody --to c@d.test', 2, 'addresses'],
])('access %s: %i', (words, code, text) => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [program, 'access', ...words.split(' '), '--config', join(folder, 'p.yaml')],
    { encoding: 'utf8' },
  );
  expect(stdout + stderr).toContain(text);
  expect(status).toBe(code);
});
