import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { manualClock } from '@postrider/actor';
import { mailIdSource } from '@postrider/mail';
import { readLargeContent } from './large-content.js';
import { MemoryLog, MemoryStore } from './memory.js';
import { spoolOver } from './open.js';
import { jetStreamBackend, mailOf, memoryBackend, ownerOptions, readerOf } from './spec/backends.js';
import { ScriptedLog } from './spec/scripted-log.js';
import { ContentMissing, type Spool } from './spool.js';

const read = async (chunks: AsyncIterable<Uint8Array>): Promise<Buffer> => {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
};
const idOf = (): string => mailOf().envelope.id;

describe.each([memoryBackend(), jetStreamBackend()])('large content over $name', (backend) => {
  let spool: Spool;
  beforeAll(async () => {
    await backend.start();
    spool = await backend.spool();
    await spool.prepare(['0']);
  });
  afterAll(async () => {
    await spool.close();
    await backend.stop();
  });

  test.each([0, 1, 128 * 1024, 128 * 1024 + 1, 3_000_000])(
    '%i octets come back as they went',
    async (octets) => {
      const content = randomBytes(octets);
      const writer = spool.writer({ shards: ['0'] }).beginLarge(idOf());
      for (let at = 0; at < octets; at += 70_001) await writer.write(content.subarray(at, at + 70_001));
      const large = await writer.finish();
      expect(large).toMatchObject({ octets, chunks: Math.ceil(octets / (128 * 1024)) });
      expect(large.sha256).toBe(createHash('sha256').update(content).digest('hex'));
      expect((await read(spool.largeContent('0', large))).equals(content)).toBe(true);
    },
  );

  test('what is abandoned is gone, and what is gone or other than it was is missing', async () => {
    const log = await backend.log();
    const writer = spool.writer({ shards: ['0'] });
    const [kept, dropped] = [writer.beginLarge(idOf()), writer.beginLarge(idOf())];
    for (const one of [kept, dropped]) await one.write(Buffer.alloc(300_000, 'x'));
    const large = await kept.finish();
    const gone = await dropped.finish();
    await dropped.abandon();
    expect((await read(spool.largeContent('0', large))).length).toBe(300_000);
    await expect(read(spool.largeContent('0', gone))).rejects.toThrow(ContentMissing);
    await expect(
      read(spool.largeContent('0', { ...large, sha256: gone.sha256.replace(/./g, '0') })),
    ).rejects.toThrow(ContentMissing);
    await log.purge('CONTENT-0', `mta.v1.content.0.${large.contentId}.1`);
    await expect(read(readLargeContent(log, '0', large))).rejects.toThrow('chunk 1');
    await log.close();
  });

  test('a mail with large content goes its way, through DEFER as well', async () => {
    const content = randomBytes(500_000);
    const writer = spool.writer({ shards: ['0'] });
    const { envelope } = mailOf(1);
    const chunks = writer.beginLarge(envelope.id);
    await chunks.write(content);
    const mail = { envelope: { ...envelope, sizeInOctets: content.length, large: await chunks.finish() } };
    expect((await writer.commit(mail, chunks.shard)).result).toBe('committed');
    const owner = await spool.own('0', ownerOptions());
    const found = await readerOf(owner).next();
    expect(found.mail).toEqual(mail);
    await owner.defer(found.mail, []);
    await expect(owner.content(envelope.id)).rejects.toThrow('large');
    await owner.close();
    const next = await spool.own('0', ownerOptions());
    const { large } = [...next.deferred][0]!.mail.envelope;
    expect((await read(spool.largeContent('0', large!))).equals(content)).toBe(true);
    await next.close();
  });
});

test('chunks of unknown fate are written again, refused ones end it', async () => {
  const log = new ScriptedLog(new MemoryLog(new MemoryStore(), 1e9));
  await log.prepare(['0']);
  const writer = spoolOver(log, { clock: manualClock(), giveUpAfter: 8_000 }).writer({ shards: ['0'] });
  log.script = ['lost', 'dropped', 'dropped', 'well'];
  const sent = writer.beginLarge(idOf());
  await sent.write(Buffer.alloc(200_000, 'x'));
  const large = await sent.finish();
  expect((await read(readLargeContent(log, '0', large))).length).toBe(200_000);
  log.script = ['full'];
  const refused = writer.beginLarge(idOf());
  await refused.write(Buffer.alloc(200_000));
  await expect(refused.finish()).rejects.toMatchObject({ full: true });
  log.script = ['away'];
  const away = writer.beginLarge(idOf());
  await away.write(Buffer.alloc(200_000));
  await expect(away.finish()).rejects.toMatchObject({ full: false });
});

test('content is purged once its last envelope is done, and orphans when they are a day old', async () => {
  const clock = manualClock(Date.now());
  const log = new MemoryLog(new MemoryStore(), 1e9, clock);
  const spool = spoolOver(log, { clock, giveUpAfter: 8_000 });
  await spool.prepare(['0']);
  const writer = spool.writer({ shards: ['0'] });
  const yesterday = mailIdSource(() => clock.now() - 25 * 3_600_000, randomBytes(6));
  const [orphan, shared] = [writer.beginLarge(yesterday()), writer.beginLarge(idOf())];
  for (const one of [orphan, shared]) await one.write(Buffer.alloc(300_000));
  await orphan.finish();
  // Two parts of one envelope share the content.
  const large = await shared.finish();
  const parts = [mailOf(), mailOf()].map(({ envelope }) => ({ envelope: { ...envelope, large } }));
  const committed = Promise.all(parts.map((part) => writer.commit(part, '0')));
  await clock.advance(10);
  await committed;
  const owner = await spool.own('0', ownerOptions());
  const reader = readerOf(owner);
  await reader.take(2);
  void reader.next().catch(() => undefined);
  const chunks = async (): Promise<number> => (await log.subjects('CONTENT-0', 'mta.v1.content.0.>')).length;
  const final = (id: string) => ({ kind: 'relayed', id, at: 0, recipients: [0], attempt: 1 }) as const;
  await owner.record([final(parts[0]!.envelope.id)]);
  expect(await chunks()).toBe(6);
  for (let n = 0; n < 30; n++) await clock.advance(5_000);
  expect(await chunks()).toBe(3);
  await owner.record([final(parts[1]!.envelope.id)]);
  for (let n = 0; n < 30; n++) await clock.advance(5_000);
  expect(await chunks()).toBe(0);
  const closing = owner.close();
  await clock.advance(1_000);
  await closing;
});
