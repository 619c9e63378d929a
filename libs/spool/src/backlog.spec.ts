/** A takeover with a backlog, whose newest record is about the oldest segment: nothing is given out before that is read. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { MailObject } from '@postrider/mail';
import {
  diagnostic,
  jetStreamBackend,
  mailOf,
  memoryBackend,
  ownerOptions,
  readerOf,
} from './spec/backends.js';

/** Over several reads of each kind. */
const backlog = 300;

describe.each([memoryBackend(), jetStreamBackend()])('over $name', (backend) => {
  beforeAll(() => backend.start());
  afterAll(() => backend.stop());

  test('the oldest mail, whose end is the last that was written, is not given out again', async () => {
    const shard = 'backlog';
    const spool = await backend.spool();
    await spool.prepare([shard]);
    const writer = spool.writer({ shards: [shard] });
    const oldest = mailOf();
    await writer.commit(oldest);
    const owner = await spool.own(shard, ownerOptions('one'));
    await readerOf(owner).take(1);
    const others: MailObject[] = [];
    for (let n = 0; n < backlog; n++) {
      const mail = mailOf();
      others.push(mail);
      // A segment each.
      await writer.commit(mail);
    }
    const { id } = oldest.envelope;
    for (let attempt = 1; attempt < 50; attempt++)
      await owner.record([{ kind: 'unknown', id, at: 0, recipients: [0], attempt, until: 0, diagnostic }]);
    await owner.record([{ kind: 'relayed', id, at: 0, recipients: [0], attempt: 50 }]);
    // It is killed: no truncation.
    const next = await spool.own(shard, ownerOptions('two'));
    const found = await readerOf(next).take(backlog);
    expect(found.map(({ mail }) => mail.envelope.id)).toEqual(others.map(({ envelope }) => envelope.id));
    await next.close();
    await spool.close();
  });
});
