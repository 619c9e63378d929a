import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { fakeBinary } from './fake-binary.fixture.js';
import { isAtLeast, versionOf } from './version.js';

test.each([
  ['2.15.1', '2.15.1', true],
  ['2.15.2', '2.15.1', true],
  ['2.16.0', '2.15.1', true],
  ['3.0.0', '2.15.1', true],
  ['2.15.0', '2.15.1', false],
  ['2.9.30', '2.10.27', false],
  ['2.10.27', '2.10.27', true],
  ['2.16.0-dev', '2.15.1', true],
])('%s is at least %s: %s', (version, wanted, expected) => {
  expect(isAtLeast(version, wanted)).toBe(expected);
});

test('the version of a binary, and of what is none', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-version-'));
  expect(await versionOf(fakeBinary(join(folder, 'nats-server'), '2.12.3'))).toBe('2.12.3');
  expect(await versionOf('/bin/true')).toBeUndefined();
  expect(await versionOf(join(folder, 'missing'))).toBeUndefined();
  rmSync(folder, { recursive: true });
});
