import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { fakeBinary } from './fake-binary.fixture.js';
import { install } from './install.js';

test('many at once leave one whole binary and nothing else', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-install-'));
  const binary = fakeBinary(join(folder, 'unpacked'), '2.15.1');
  const target = join(folder, 'cache/2.15.1/nats-server');
  await Promise.all(Array.from({ length: 20 }, () => install(binary, target)));
  expect(readdirSync(dirname(target))).toEqual(['nats-server']);
  expect(readFileSync(target)).toEqual(readFileSync(binary));
  expect(statSync(target).mode & 0o777).toBe(0o755);
  rmSync(folder, { recursive: true });
});
