/** An owner is paused, another takes over, delivers and truncates, and the first one wakes: nothing it does counts. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomBytes } from 'node:crypto';
import { manualClock } from '@postrider/actor';
import type { MailObject, MailRecord } from '@postrider/mail';
import { MemoryLog, MemoryStore } from './memory.js';
import { spoolOver } from './open.js';
import { jetStreamBackend, mailOf, memoryBackend, ownerOptions, readerOf, finalOf } from './spec/backends.js';
import { ScriptedLog } from './spec/scripted-log.js';
import { Fenced, type SpooledMail } from './spool.js';

const idsOf = (found: readonly SpooledMail[]): readonly string[] =>
  found.map(({ mail }) => mail.envelope.id).sort();

describe.each([memoryBackend(), jetStreamBackend()])('over $name', (backend) => {
  beforeAll(() => backend.start());
  afterAll(() => backend.stop());

  test('its outcomes, moves and purges have no effect', async () => {
    const shard = 'woken';
    const [its, others] = [await backend.spool(), await backend.spool()];
    await its.prepare([shard]);
    const writer = its.writer({ shards: [shard] });
    const mails = [mailOf(), mailOf(), mailOf(1, randomBytes(10_000))];
    const [first, second, deferred] = mails as [MailObject, MailObject, MailObject];
    for (const mail of mails) await writer.commit(mail);
    const options = ownerOptions('paused');
    const paused = await its.own(shard, options);
    await readerOf(paused).take(3);
    await paused.defer(deferred, []);

    const successor = await others.own(shard, ownerOptions('successor'));
    const found = [...successor.deferred, ...(await readerOf(successor).take(2))];
    expect(idsOf(found)).toEqual(mails.map(({ envelope }) => envelope.id).sort());
    await successor.record(mails.map(finalOf));
    // It truncates.
    await successor.close();
    const late = mailOf();
    await writer.commit(late);
    const log = await backend.log();
    const stand = async () =>
      Promise.all(['SPOOL', 'DEFER'].map(async (name) => log.state(`${name}-${shard}`)));
    const before = await stand();
    expect(before[0]?.firstSequence).toBeGreaterThan(1);

    const bounce = mailOf();
    const fates: readonly (() => Promise<unknown>)[] = [
      () => paused.record([{ ...finalOf(first), kind: 'failed', born: [bounce] } as MailRecord]),
      () => paused.record([finalOf(deferred)]),
      () => paused.defer(second, []),
      () => paused.record([{ kind: 'hold', id: second.envelope.id, at: 1, reason: 'mine' }]),
    ];
    const ends = await Promise.all(fates.map((act) => act().catch((error: unknown) => error)));
    for (const end of ends) expect(end).toBeInstanceOf(Fenced);
    expect(options.lostBecause).toHaveLength(1);
    await paused.close();
    expect(await stand()).toEqual(before);

    const third = await others.own(shard, ownerOptions('third'));
    expect([...third.deferred]).toEqual([]);
    expect(idsOf([await readerOf(third).next()])).toEqual([late.envelope.id]);
    expect(third.figures()).toMatchObject({ liveMails: 1 });
    await third.close();
    for (const one of [its, others, log]) await one.close();
  });
});

describe('paused in the midst of its housekeeping', () => {
  /** A shard whose owner stands still before it truncates, until it goes on. */
  async function pausedOwner() {
    const clock = manualClock();
    const memory = new MemoryLog(new MemoryStore(), 1e9, clock);
    const log = new ScriptedLog(memory);
    const its = spoolOver(log, { clock, giveUpAfter: 8_000 });
    const others = spoolOver(new ScriptedLog(memory), { clock, giveUpAfter: 8_000 });
    await its.prepare(['0']);
    const writer = others.writer({ shards: ['0'] });
    const options = ownerOptions('paused');
    const owner = await its.own('0', options);
    const read: string[] = [];
    void (async () => {
      for await (const { mail } of owner.mails()) read.push(mail.envelope.id);
    })();
    const state = log.state.bind(log);
    let goOn: () => void = () => undefined;
    const standStill = async (): Promise<void> => {
      const still = new Promise<void>((resolve) => (goOn = resolve));
      log.state = (...of) => still.then(() => state(...of));
      // Of what came since it does not know yet when it goes on.
      log.read = () => new Promise(() => undefined);
      // Housekeeping comes every five seconds.
      await clock.advance(5_100);
    };
    const wake = async (): Promise<void> => {
      goOn();
      for (let n = 0; n < 200; n++) await clock.advance(1);
    };
    return { clock, memory, owner, others, writer, read, options, standStill, wake };
  }

  test('its truncation takes nothing that came since', async () => {
    const { clock, memory, owner, others, writer, options, standStill, wake } = await pausedOwner();
    const mails = [mailOf(), mailOf()];
    for (const mail of mails) await writer.commit(mail);
    await clock.advance(1_000);
    await owner.record(mails.map(finalOf));
    await standStill();

    const successor = await others.own('0', ownerOptions('successor'));
    const late = [mailOf(), mailOf()];
    for (const mail of late) await writer.commit(mail);
    const found = await readerOf(successor).take(2);
    await successor.defer(late[0]!, []);
    await wake();
    expect(idsOf(found)).toEqual(late.map(({ envelope }) => envelope.id).sort());
    expect(Buffer.from(await successor.content(late[0]!.envelope.id))).toEqual(late[0]!.content);
    expect((await memory.state('SPOOL-0')).messages).toBeGreaterThan(0);
    await clock.advance(6_000);
    expect(options.lostBecause).toEqual(['successor has taken over SPOOL-0']);
    const third = await others.own('0', ownerOptions('third'));
    expect(idsOf([...third.deferred, await readerOf(third).next()])).toEqual(idsOf(found));
  });

  test('it purges no large content that an envelope needs which came since', async () => {
    const { clock, owner, others, writer, read, standStill, wake } = await pausedOwner();
    const content = randomBytes(400_000);
    const part = mailOf(1, content);
    const chunks = writer.beginLarge(part.envelope.id);
    await chunks.write(content);
    const large = await chunks.finish();
    // One of the two envelopes that share the content (DESIGN §3: at most 500 recipients each).
    const parts = [part, mailOf()].map(({ envelope }): MailObject => ({ envelope: { ...envelope, large } }));
    await writer.commit(parts[0]!);
    await clock.advance(1_000);
    expect(read).toHaveLength(1);
    await owner.record([finalOf(parts[0]!)]);
    // Content that nobody needs is kept for a minute: this pause begins just before.
    await clock.advance(59_000);
    await standStill();

    await writer.commit(parts[1]!);
    const successor = await others.own('0', ownerOptions('successor'));
    await readerOf(successor).next();
    await wake();
    const got: Uint8Array[] = [];
    for await (const chunk of others.largeContent('0', large)) got.push(chunk);
    expect(Buffer.concat(got).equals(content)).toBe(true);
  });
});
