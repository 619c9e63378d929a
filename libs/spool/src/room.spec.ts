import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FinalRecord, MailObject } from '@postrider/mail';
import { jetStreamBackend, mailOf, memoryBackend, ownerOptions, readerOf } from './spec/backends.js';

const finalOf = ({ envelope: { id } }: MailObject, recipients: readonly number[]): FinalRecord => ({
  kind: 'relayed',
  id,
  at: 1,
  recipients,
  attempt: 1,
});

describe.each([memoryBackend(), jetStreamBackend()])('room over $name', (backend) => {
  beforeAll(() => backend.start());
  afterAll(() => backend.stop());

  test('a shard that is full refuses mail, and its outcomes are still written', async () => {
    const small = await backend.spool(4 * 1024 * 1024);
    const tiny = 'tiny';
    await small.prepare([tiny]);
    const writer = small.writer({ shards: [tiny] });
    const taken: MailObject[] = [];
    for (;;) {
      const mail = mailOf(1, Buffer.alloc(100_000, 'x'));
      const { result } = await writer.commit(mail);
      if (result !== 'committed') {
        expect(result).toBe('full');
        break;
      }
      taken.push(mail);
    }
    expect(writer.room()).toBe('full');
    const owner = await small.own(tiny, ownerOptions());
    await readerOf(owner).take(taken.length);
    await owner.record(taken.map((mail) => finalOf(mail, [0])));
    await owner.close();
    await expect.poll(() => writer.room(), { timeout: 5_000 }).toBe('ok');
    expect((await writer.commit(mailOf())).result).toBe('committed');
    await small.close();
  });

  test('a changed size counts for streams that are there, but never takes what they use', async () => {
    const shard = 'resized';
    const stream = `SPOOL-${shard}`;
    const openWith = async (octets: number) => {
      const log = await backend.log(octets);
      const told = await log.prepare([shard]);
      return { log, told, room: (await log.state(stream)).maxOctets };
    };
    const first = await openWith(10 * 1024 * 1024);
    const room = first.room;
    for (let n = 0; n < 10; n++)
      await first.log.append(`mta.v1.spool.${shard}.segment`, Buffer.alloc(100_000, 'x'));
    const larger = await openWith(20 * 1024 * 1024);
    expect(larger).toMatchObject({ told: [], room: 2 * room });
    const smaller = await openWith(1024 * 1024);
    expect(smaller.told).toEqual([expect.stringContaining(stream)]);
    expect(smaller.room).toBe(Math.ceil((await smaller.log.state(stream)).octets / 0.8));
    const outcome = await smaller.log.append(`mta.v1.spool.${shard}.outcome`, Buffer.alloc(1000));
    expect(outcome.result).toBe('acknowledged');
    for (const { log } of [first, larger, smaller]) await log.close();
  });

  test('room is refused before the log is full, so that outcomes have some', async () => {
    const tiny = 'soft';
    const small = await backend.spool(8 * 1024 * 1024);
    await small.prepare([tiny]);
    const writer = small.writer({ shards: [tiny] });
    let octets = 0;
    while (octets < 0.85 * 0.4 * 8 * 1024 * 1024) {
      expect((await writer.commit(mailOf(1, Buffer.alloc(100_000, 'x')))).result).toBe('committed');
      octets += 100_000;
    }
    await expect.poll(() => writer.room(), { timeout: 5_000 }).toBe('full');
    await small.close();
  });
});
