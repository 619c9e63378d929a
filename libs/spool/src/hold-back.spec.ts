import { beforeEach, expect, test } from 'vitest';
import { manualClock, type ManualClock } from '@postrider/actor';
import { times } from '@postrider/protocol';
import { HeldBackByAnother, heldBackBy, HoldBack } from './hold-back.js';
import { MemoryLog, MemoryStore } from './memory.js';
import { spoolOver } from './open.js';
import { mailOf, ownerOptions, readerOf } from './spec/backends.js';

let clock: ManualClock;
let log: MemoryLog;
beforeEach(async () => {
  clock = manualClock();
  log = new MemoryLog(new MemoryStore(), 1024 * 1024, clock);
  await log.prepare(['0']);
});

const take = (): Promise<HoldBack> => HoldBack.take({ log, clock, shard: '0', by: 'spec' });

test('it is renewed for as long as it is held, and gone at once when released', async () => {
  const held = await take();
  await clock.advance(5 * times.leaseTtl);
  expect(held.holds).toBe(true);
  expect(await heldBackBy(log, '0')).toBeGreaterThan(held.since);
  await held.release();
  expect(await heldBackBy(log, '0')).toBe(0);
  await clock.advance(times.leaseTtl);
  expect(await heldBackBy(log, '0')).toBe(0);
});

test('one backup at a time', async () => {
  await take();
  await expect(take()).rejects.toThrow(HeldBackByAnother);
});

test('what lapsed is not taken for held, even when another holds now', async () => {
  const held = await take();
  await log.register.delete('backup.0');
  const other = await take();
  await clock.advance(times.leaseRenewed);
  expect([held.holds, other.holds]).toEqual([false, true]);
});

test('an owner removes nothing while it is held back; a killed backup holds back for the lease time alone', async () => {
  const spool = spoolOver(log, { clock, giveUpAfter: 8_000 });
  const mails = [mailOf(), mailOf(), mailOf()];
  const writer = spool.writer({ shards: ['0'] });
  for (const mail of mails) await writer.commit(mail);
  const owner = await spool.own('0', ownerOptions());
  await readerOf(owner).take(3);
  await log.register.create('backup.0', Buffer.from('{}'));
  const revision = await heldBackBy(log, '0');
  await owner.record(
    mails.map(({ envelope: { id } }) => ({ kind: 'relayed', id, at: 0, recipients: [0], attempt: 1 })),
  );
  const first = async (): Promise<number> => (await log.state('SPOOL-0')).firstSequence;
  await clock.advance(5_000);
  expect(owner.figures()).toMatchObject({ heldBackBy: revision });
  expect(await first()).toBe(1);
  await owner.close();
  expect(await first()).toBe(1);
  const next = await spool.own('0', ownerOptions('two'));
  const reading = readerOf(next).next();
  reading.catch(() => undefined);
  await clock.advance(times.leaseTtl);
  expect(await first()).toBeGreaterThan(3);
  expect(next.figures()).toMatchObject({ heldBackBy: 0 });
  await next.close();
});
