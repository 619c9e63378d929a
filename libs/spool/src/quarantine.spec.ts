/** What a replay can't read, or dies of each time, does not take its shard down for ever. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FinalRecord, MailObject, MailRecord } from '@postrider/mail';
import { decodeFrame } from './frame.js';
import { mailOf } from './spec/backends.js';
import { MortalWorld, type Life } from './spec/mortal.js';

const idOf = ({ envelope }: MailObject): string => envelope.id;
const final = (mail: MailObject, recipients: readonly number[] = [0]): FinalRecord => ({
  kind: 'relayed',
  id: idOf(mail),
  at: 1,
  recipients,
  attempt: 1,
});
const deferred = (mail: MailObject): MailRecord => ({
  kind: 'deferred',
  id: idOf(mail),
  at: 1,
  recipients: [0],
  attempt: 1,
  until: 1,
  diagnostic: { status: '4.0.0', text: 'later' },
});
const started = (): Promise<MortalWorld> => new MortalWorld().start();
const dies = async (world: MortalWorld, times: number, poison: string): Promise<void> => {
  for (let n = 0; n < times; n++)
    expect((await world.live((inHand) => inHand === poison)).owner).toBeUndefined();
};

test('a mail that ends each replay is set aside after three ends, and the others go on', async () => {
  const world = await started();
  const mails = [mailOf(), mailOf(), mailOf()] as const;
  await world.commit(mailOf(), ...mails);
  const poison = idOf(mails[1]);
  await dies(world, 3, poison);
  const { ids, owner } = await world.live((inHand) => inHand === poison);
  expect(ids).toHaveLength(3);
  expect(ids).not.toContain(poison);
  expect(world.told).toMatchObject([{ log: 'segment', mail: poison }]);
  expect(owner?.quarantined()).toHaveLength(1);
  expect(owner?.figures()).toMatchObject({ quarantined: 1, liveMails: 3 });
  // Nothing is set aside twice, and it stays aside.
  await owner?.close();
  const again = await world.live((inHand) => inHand === poison);
  expect(again.ids).toHaveLength(3);
  expect(world.told).toHaveLength(1);
});

test.each(['SPOOL-q 1', 'SPOOL-q 2'])('a segment that ends each replay: %s', async (poison) => {
  const world = await started();
  await world.commit(mailOf());
  await world.commit(mailOf());
  await dies(world, 3, poison);
  const { ids, owner } = await world.live((inHand) => inHand === poison);
  expect(ids).toHaveLength(1);
  const [record] = owner?.quarantined() ?? [];
  expect(record).toMatchObject({ log: 'segment', sequence: Number(poison.at(-1)) });
  const octets = await owner?.quarantinedOctets(record!.key);
  expect(decodeFrame(octets!).items).toHaveLength(1);
  await owner?.close();
  // It pins the log no longer.
  expect((await world.log.state('SPOOL-q')).firstSequence).toBe(poison === 'SPOOL-q 1' ? 2 : 1);
});

test('an outcome that ends each replay: what it said is forgotten, nothing else', async () => {
  const world = await started();
  const [first, second] = [mailOf(), mailOf()];
  await world.commit(first, second);
  const { owner } = await world.live();
  await owner?.record([final(first)]);
  const poison = `SPOOL-q ${(await world.log.state('SPOOL-q')).lastSequence}`;
  await owner?.record([final(second)]);
  await dies(world, 3, poison);
  const after = await world.live((inHand) => inHand === poison);
  expect(after.ids).toEqual([idOf(first)]);
  expect(after.owner?.quarantined()).toMatchObject([{ log: 'outcome' }]);
});

test('a deferred mail that ends each replay is set aside with its content, and comes back when released', async () => {
  const world = await started();
  const [poisoned, other] = [mailOf(2, Buffer.from('kept\r\n')), mailOf()];
  await world.commit(poisoned, other);
  const { owner } = await world.live();
  await owner?.record([final(poisoned, [1])]);
  await owner?.defer(poisoned, [deferred(poisoned)]);
  const poison = `DEFER-q ${(await world.log.state('DEFER-q')).lastSequence}`;
  await owner?.defer(other, [deferred(other)]);
  await dies(world, 3, poison);
  const after = await world.live((inHand) => inHand === poison);
  expect(after.ids).toEqual([idOf(other)]);
  await after.owner?.close();
  expect((await world.log.state('DEFER-CONTENT-q')).firstSequence).toBe(1);

  const fixed = await world.live((inHand) => inHand === poison);
  const [record] = fixed.owner?.quarantined() ?? [];
  const released = await fixed.owner?.releaseQuarantined(record!.key);
  expect(fixed.owner?.quarantined()).toEqual([]);
  await fixed.owner?.close();
  const last = await world.live();
  expect([...last.ids].sort()).toEqual([idOf(other), ...(released?.ids ?? [])].sort());
  expect((await last.owner?.content(released!.ids[0]!))?.toString()).toBe('kept\r\n');
});

test('a released mail lives anew with the recipients that were open, once; a deleted one does not', async () => {
  const world = await started();
  const [released, deleted, pinning] = [mailOf(3), mailOf(), mailOf()];
  await world.commit(pinning);
  await world.commit(released);
  await world.commit(deleted);
  const first = await world.live();
  await first.owner?.record([final(released, [0, 2])]);
  await first.owner?.close();
  for (const mail of [released, deleted]) await dies(world, 3, idOf(mail));
  const { owner, ids } = await world.live();
  expect(ids).toEqual([idOf(pinning)]);
  const keyOf = (mail: MailObject): string =>
    owner!.quarantined().find((record) => record.mail === idOf(mail))!.key;
  expect(await owner?.deleteQuarantined(keyOf(deleted))).toBe(true);
  const { ids: [id] = [] } = (await owner?.releaseQuarantined(keyOf(released))) ?? {};
  expect(await owner?.releaseQuarantined('segment-9-00000000')).toBeUndefined();
  await owner?.close();
  const next = await world.live();
  expect(next.ids).toEqual([idOf(pinning), id]);
  expect(Buffer.from(await next.owner!.content(id!))).toEqual(released.content);
  await next.owner?.record([final(pinning), { ...final(released), id: id! }]);
  expect(next.owner?.figures()['liveMails']).toBe(0);
  await next.owner?.close();
  // The originals are truncated, and the stubs with them.
  const last = await world.live();
  expect(last.ids).toEqual([]);
  expect(await world.log.subjects('QUARANTINE', 'mta.v1.quarantine.q.>')).toEqual([]);
});

test('whatever ends processes by chance: nothing is set aside, unless the same record was in hand twice running', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(11), { minLength: 1, maxLength: 8 }), async (ends) => {
      const world = await started();
      const mails = Array.from({ length: 12 }, () => mailOf());
      for (const mail of mails) await world.commit(mail);
      const different = ends.filter((end, n) => end !== ends[n - 1]);
      const lives: Life[] = [];
      for (const end of different) lives.push(await world.live((inHand) => inHand === idOf(mails[end]!)));
      expect(lives.every(({ owner }) => owner === undefined)).toBe(true);
      expect((await world.live()).ids).toEqual(mails.map(idOf));
      expect(world.told).toEqual([]);
    }),
    { numRuns: 15 },
  );
});

test('an owner that lets go in order has not died, however often', async () => {
  const world = await started();
  const mail = mailOf();
  await world.commit(mail);
  for (let n = 0; n < 5; n++) {
    const { owner, ids } = await world.live();
    expect(ids).toEqual([idOf(mail)]);
    await owner?.close();
  }
  expect(world.told).toEqual([]);
});

test('what can not be read is set aside at once, and the log goes on without it', async () => {
  const world = await started();
  await world.commit(mailOf());
  await world.log.append('mta.v1.spool.q.segment', Buffer.from('nonsense'));
  await world.log.append('mta.v1.spool.q.outcome', Buffer.from('more of it'));
  const { owner, ids } = await world.live();
  expect(world.told).toMatchObject([
    { log: 'outcome', sequence: 3 },
    { log: 'segment', sequence: 2, reason: 'no frame of ours' },
  ]);
  await expect(owner?.releaseQuarantined(owner.quarantined()[0]!.key)).rejects.toThrow(
    'no bundle of records',
  );
  await owner?.record([{ kind: 'delete', id: ids[0]!, at: 1, by: 'spec' }]);
  await owner?.close();
  expect((await world.log.state('SPOOL-q')).firstSequence).toBe(3);
});

test('with no room in QUARANTINE the record stays where it is', async () => {
  const world = await new MortalWorld(200_000).start();
  await world.log.append('mta.v1.spool.q.segment', Buffer.alloc(3_000, 'x'));
  const { owner } = await world.live();
  expect(world.faults).toEqual([
    'SPOOL-q 1: no frame of ours',
    expect.stringContaining('SPOOL-q 1 could not be set aside: QUARANTINE: maximum bytes exceeded'),
  ]);
  await owner?.close();
  expect((await world.log.state('SPOOL-q')).firstSequence).toBe(1);
});
