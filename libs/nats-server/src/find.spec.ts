import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fakeBinary } from './fake-binary.fixture.js';
import { findNatsServer } from './find.js';
import { pinnedVersion } from './version.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postrider-find-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const first = (): string => join(folder, 'first');
const second = (): string => join(folder, 'second');
const cached = (): string => join(folder, 'cache/postrider/nats-server', pinnedVersion, 'nats-server');
const find = (more: Readonly<Record<string, string>> = {}) =>
  findNatsServer({
    fetch: false,
    environment: { PATH: `${first()}:${second()}`, XDG_CACHE_HOME: join(folder, 'cache'), ...more },
  });

test('POSTRIDER_NATS_BINARY comes first, even where PATH has a newer one', async () => {
  const named = fakeBinary(join(folder, 'mine'), '2.11.0');
  fakeBinary(join(first(), 'nats-server'), '2.15.1');
  expect(await find({ POSTRIDER_NATS_BINARY: named })).toEqual({ binary: named, version: '2.11.0' });
});

test.each([
  ['is too old', '2.9.0', /2\.9\.0, too old: 2\.10\.27 at least/],
  ['is something else', 'nonsense', /is no nats-server that runs here/],
])('POSTRIDER_NATS_BINARY that %s is refused, and nothing else is taken for it', async (_, version, text) => {
  const named = fakeBinary(join(folder, 'mine'), version);
  fakeBinary(join(first(), 'nats-server'), '2.15.1');
  await expect(find({ POSTRIDER_NATS_BINARY: named })).rejects.toThrow(text);
});

test('then PATH in its order, then the cache', async () => {
  fakeBinary(cached(), '2.15.1');
  expect((await find()).binary).toBe(cached());
  const later = fakeBinary(join(second(), 'nats-server'), '2.15.1');
  expect((await find()).binary).toBe(later);
  const earlier = fakeBinary(join(first(), 'nats-server'), '2.16.0');
  expect((await find()).binary).toBe(earlier);
});

test('one that is too old is passed over', async () => {
  fakeBinary(join(first(), 'nats-server'), '2.9.25');
  const later = fakeBinary(join(second(), 'nats-server'), '2.15.1');
  expect((await find()).binary).toBe(later);
});

test('one that is new enough but not the best stands behind a better one', async () => {
  const onPath = fakeBinary(join(first(), 'nats-server'), '2.11.3');
  expect(await find()).toEqual({ binary: onPath, version: '2.11.3' });
  fakeBinary(cached(), '2.15.1');
  expect((await find()).binary).toBe(cached());
});

test('none: one line that says what to do and what was too old', async () => {
  const old = fakeBinary(join(first(), 'nats-server'), '2.9.25');
  const refusal = await find().catch((error: unknown) => (error as Error).message);
  expect(refusal).toContain('install version 2.15.1');
  expect(refusal).toContain('POSTRIDER_NATS_BINARY');
  expect(refusal).toContain(`${old} is 2.9.25, too old: 2.10.27 at least`);
  expect(refusal).not.toContain('\n');
});
