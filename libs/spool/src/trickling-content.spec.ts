/** A large mail whose DATA takes an hour, beside owners that sweep; and one whose shard is set aside meanwhile. */
import { expect, test } from 'vitest';
import { randomBytes } from 'node:crypto';
import { manualClock } from '@postrider/actor';
import { mailIdSource } from '@postrider/mail';
import { MemoryLog, MemoryStore } from './memory.js';
import { spoolOver } from './open.js';
import { mailOf, ownerOptions } from './spec/backends.js';
import { ScriptedLog } from './spec/scripted-log.js';
import type { CommitResult, ShardOwner } from './spool.js';

const minute = 60_000;
const read = async (chunks: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
};

async function started(shards: readonly string[]) {
  const clock = manualClock(Date.now());
  const log = new ScriptedLog(new MemoryLog(new MemoryStore(), 1e9, clock));
  const spool = spoolOver(log, { clock, giveUpAfter: 8_000 });
  await spool.prepare(shards);
  return { clock, log, spool, newId: mailIdSource(() => clock.now(), randomBytes(6)) };
}

/** Ids that an owner gives out from now on. */
function given(owner: ShardOwner): readonly string[] {
  const ids: string[] = [];
  void (async () => {
    for await (const { mail } of owner.mails()) ids.push(mail.envelope.id);
  })();
  return ids;
}

test('DATA trickles for an hour: no sweep takes what is there, under this owner or the next', async () => {
  const { clock, log, spool, newId } = await started(['0']);
  const content = randomBytes(60 * 9_000);
  const writer = spool.writer({ shards: ['0'] });
  const owner = await spool.own('0', ownerOptions('one'));
  given(owner);
  const mail = mailOf(1, content);
  const id = newId();
  const large = writer.beginLarge(id);
  for (let at = 0; at < content.length / 2; at += 9_000) {
    await large.write(content.subarray(at, at + 9_000));
    await clock.advance(minute);
  }
  const next = await spool.own('0', ownerOptions('two'));
  const ids = given(next);
  for (let at = content.length / 2; at < content.length; at += 9_000) {
    await large.write(content.subarray(at, at + 9_000));
    await clock.advance(minute);
  }
  const facts = await large.finish();
  const committed = writer.commit({ envelope: { ...mail.envelope, id, large: facts } }, '0');
  await clock.advance(1_000);
  expect(await committed).toMatchObject({ result: 'committed' });
  expect(ids).toEqual([id]);
  // It waits for two days: older than any orphan, and no orphan.
  for (let hour = 0; hour < 48; hour++) await clock.advance(60 * minute);
  expect((await read(spool.largeContent('0', facts))).equals(content)).toBe(true);
  const recorded = next.record([{ kind: 'relayed', id, at: 0, recipients: [0], attempt: 1 }]);
  await clock.advance(1_000);
  await recorded;
  for (let n = 0; n < 30; n++) await clock.advance(5_000);
  expect(await log.subjects('CONTENT-0', 'mta.v1.content.0.>')).toEqual([]);
}, 60_000);

test('its shard is set aside before the envelope: refused there, never committed elsewhere, and taken when it is back', async () => {
  const { clock, log, spool, newId } = await started(['a', 'b']);
  const writer = spool.writer({ shards: ['a', 'b'] });
  const home = writer.shard;
  const other = home === 'a' ? 'b' : 'a';
  const begin = async () => {
    const id = newId();
    const chunks = writer.beginLarge(id);
    await chunks.write(Buffer.alloc(400_000, 'x'));
    return { id, chunks };
  };
  const first = await begin();
  // Its subject takes no writes; what is in flight there has been silent for over a second.
  log.always.set(`spool.${home}.segment`, 'silent');
  const before = writer.commit(mailOf());
  await clock.advance(1_100);
  expect(writer.shard).toBe(other);
  const large = await first.chunks.finish();
  const mail = { envelope: { ...mailOf().envelope, id: first.id, large } };
  const results: CommitResult['result'][] = [];
  void writer.commit(mail, first.chunks.shard).then(({ result }) => results.push(result));
  for (let n = 0; n < 5; n++) await clock.advance(1_000);
  expect(results).toEqual(['unavailable']);
  await first.chunks.abandon();
  log.always.clear();
  log.answer();
  await clock.advance(0);
  await clock.advance(1_000);
  expect(await before).toMatchObject({ result: 'committed', shard: home });
  expect((await log.state(`CONTENT-${home}`)).messages).toBe(0);

  const owners = await Promise.all([home, other].map((shard) => spool.own(shard, ownerOptions(shard))));
  const [there, elsewhere] = owners.map(given);
  const second = writer.beginLarge(newId());
  await second.write(Buffer.alloc(400_000, 'y'));
  const again = { envelope: { ...mail.envelope, large: await second.finish() } };
  const taken = writer.commit(again, second.shard);
  await clock.advance(1_000);
  expect(await taken).toMatchObject({ result: 'committed', shard: second.shard });
  const all = [...(there ?? []), ...(elsewhere ?? [])];
  expect(all.filter((id) => id === first.id)).toHaveLength(1);
});
