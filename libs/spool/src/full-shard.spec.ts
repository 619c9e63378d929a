/** Streams with no room at all: outcomes are written all the same, or wait, and nothing that was delivered comes again. */
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MailObject } from '@postrider/mail';
import { jetStreamBackend, mailOf, memoryBackend, ownerOptions, readerOf, finalOf } from './spec/backends.js';
import type { Spool, SpoolWriter } from './spool.js';

async function commitMany(writer: SpoolWriter, count: number): Promise<readonly MailObject[]> {
  const mails = Array.from({ length: count }, () => mailOf(1, randomBytes(20_000)));
  const results = await Promise.all(mails.map((mail) => writer.commit(mail)));
  expect(results.map(({ result }) => result)).toEqual(mails.map(() => 'committed'));
  return mails;
}

/** Mails that the next owner has to deal with. */
async function liveOf(spool: Spool, shard: string): Promise<number> {
  const owner = await spool.own(shard, ownerOptions('next'));
  void (async () => {
    for await (const { mail } of owner.mails()) expect(mail.envelope.recipients).not.toEqual([]);
  })();
  await expect.poll(() => owner.figures()['replaying'], { timeout: 10_000 }).toBe(0);
  const live = owner.figures()['liveMails'] ?? -1;
  await owner.close();
  return live;
}

describe.each([memoryBackend(), jetStreamBackend()])('a shard over $name', (backend) => {
  beforeAll(() => backend.start());
  afterAll(() => backend.stop());

  const [shard, spoolStream] = ['brim', 'SPOOL-brim'];

  test('filled to the last octet by others: its owner takes it over, and its outcomes are written', async () => {
    const small = await backend.spool(4 * 1024 * 1024);
    const log = await backend.log(4 * 1024 * 1024);
    await small.prepare([shard]);
    const writer = small.writer({ shards: [shard] });
    const mails = await commitMany(writer, 30);
    // Other writers, before they have seen how little is left.
    for (let size = 256 * 1024; size >= 1; size = Math.floor(size / 2))
      while (
        (await log.append(`mta.v1.spool.${shard}.segment`, randomBytes(size))).result === 'acknowledged'
      );
    const options = ownerOptions();
    const owner = await small.own(shard, options);
    const found = await readerOf(owner).take(mails.length);
    expect(found).toHaveLength(mails.length);
    await owner.record(mails.map(finalOf));
    expect(options.faults.filter((text) => text.includes('full to the last octet'))).not.toEqual([]);
    await owner.close();
    await expect.poll(() => writer.room(), { timeout: 5_000 }).toBe('ok');
    expect(await liveOf(small, shard)).toBe(0);
    // Today's settings count again.
    await small.prepare([shard]);
    expect((await log.state(spoolStream)).maxOctets).toBe(Math.floor(4 * 1024 * 1024 * 0.4));
    for (const one of [small, log]) await one.close();
  });

  test('writers that look only now and then leave the last tenth to outcomes', async () => {
    const max = 64 * 1024 * 1024;
    const name = 'tenth';
    const small = await backend.spool(max);
    await small.prepare([name]);
    const writers = [1, 2, 3].map(() => small.writer({ shards: [name] }));
    // Whatever `room` says: these began before.
    let refused = 0;
    for (let round = 0; round < 200 && refused === 0; round++) {
      const all = writers.flatMap((writer) =>
        Array.from({ length: 10 }, () => writer.commit(mailOf(1, randomBytes(20_000)))),
      );
      refused += (await Promise.all(all)).filter(({ result }) => result === 'full').length;
      // A look is answered between two bursts.
      await pause(20);
    }
    expect(refused).toBeGreaterThan(0);
    const log = await backend.log(max);
    const { octets, maxOctets } = await log.state(`SPOOL-${name}`);
    expect(octets / maxOctets).toBeGreaterThan(0.7);
    expect(octets / maxOctets).toBeLessThan(0.97);
    for (const one of [small, log]) await one.close();
  });
});
