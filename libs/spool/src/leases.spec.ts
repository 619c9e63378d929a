import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { manualClock } from '@postrider/actor';
import { times } from '@postrider/protocol';
import { MemoryStore } from './memory.js';
import { memorySpool } from './open.js';
import { jetStreamBackend, memoryBackend } from './spec/backends.js';
import type { Leases, Spool } from './spool.js';

describe.each([memoryBackend(), jetStreamBackend()])('leases over $name', (backend) => {
  let spool: Spool;
  let leases: Leases;
  beforeAll(async () => {
    await backend.start();
    spool = await backend.spool();
    await spool.prepare(['0', '1', '10', '2']);
    leases = spool.leases();
  });
  afterAll(async () => {
    await spool.close();
    await backend.stop();
  });

  test('shards are the streams that there are, in order', async () => {
    expect(await spool.shards()).toEqual(['0', '1', '2', '10']);
  });

  test('one holder at a time, until it lets go', async () => {
    const lease = await leases.take('0', 'a');
    expect(await leases.take('0', 'b')).toBeUndefined();
    expect(await lease!.renew()).toBe(true);
    expect([...(await leases.list())]).toEqual([['0', { owner: 'a' }]]);
    await lease!.release();
    expect(await leases.take('0', 'b')).toBeDefined();
    expect(await lease!.renew()).toBe(false);
  });

  test('a revoked lease is free; the holder resumes it when nobody took it', async () => {
    const lease = await leases.take('1', 'a');
    await leases.revoke('1');
    expect(await lease!.renew()).toBe(true);
    await leases.revoke('1');
    const other = await leases.take('1', 'b');
    expect(await lease!.renew()).toBe(false);
    // What it no longer holds it does not release either.
    await lease!.release();
    expect(await other!.renew()).toBe(true);
  });

  test('the same owner may take it again', async () => {
    await leases.take('2', 'a');
    expect(await leases.take('2', 'a')).toBeDefined();
    expect(await leases.take('2', 'b')).toBeUndefined();
  });
});

test('a lease that is not renewed lapses', async () => {
  const clock = manualClock();
  const store = new MemoryStore();
  const spool = memorySpool({ store, clock });
  await spool.prepare(['0']);
  const lease = await spool.leases().take('0', 'a');
  await clock.advance(times.leaseTtl - 1);
  expect(await spool.leases().take('0', 'b')).toBeUndefined();
  expect(await lease!.renew()).toBe(true);
  await clock.advance(times.leaseTtl);
  expect(await spool.leases().take('0', 'b')).toBeDefined();
  expect(await lease!.renew()).toBe(false);
});
