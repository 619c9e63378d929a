/**
 * A takeover whose reads come from a leader and from a replica that is behind, in any order: the replica still has what
 * the leader has removed, and the records that ended it may be gone from the next answer.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { manualClock, type ManualClock } from '@postrider/actor';
import type { MailObject, MailRecord } from '@postrider/mail';
import { spoolOver } from './open.js';
import { mailOf, ownerOptions, finalOf } from './spec/backends.js';
import { LaggingLog, type Answerer } from './spec/lagging-log.js';
import type { ShardOwner } from './spool.js';

const fates = ['relayed', 'bounced', 'deferred, relayed', 'deferred, bounced', 'waits', 'deferred'] as const;
type Fate = (typeof fates)[number];

const later = ({ envelope: { id } }: MailObject): MailRecord => ({
  kind: 'deferred',
  id,
  at: 1,
  recipients: [0],
  attempt: 1,
  until: 2,
  diagnostic: { status: '4.0.0', text: 'later' },
});

async function during<T>(clock: ManualClock, promise: Promise<T>): Promise<T> {
  const state = { settled: false };
  const mark = (): void => void (state.settled = true);
  promise.then(mark, mark);
  for (let n = 0; n < 1_000 && !state.settled; n++) await clock.advance(10);
  return promise;
}

/** What is to be done with a mail, one write each. */
function actsOf(owner: ShardOwner, mail: MailObject, fate: Fate): readonly (() => Promise<void>)[] {
  const [place, end] = fate.includes('deferred') ? ['defer', fate.split(', ')[1]] : ['spool', fate];
  const move = place === 'defer' ? [() => owner.defer(mail, [later(mail)])] : [];
  if (end === 'relayed') return [...move, () => owner.record([finalOf(mail)])];
  if (end !== 'bounced') return move;
  const bounce = mailOf();
  const failed: MailRecord = { ...finalOf(mail), kind: 'failed', born: [bounce] } as MailRecord;
  return [...move, () => owner.record([failed]), () => owner.record([finalOf(bounce)])];
}

const answerers = fc.array(
  fc.record<Answerer>({ by: fc.constantFrom('leader', 'replica'), catchesUp: fc.constant(0) }),
  { minLength: 1, maxLength: 8 },
);

test('what has ended and was removed does not come back, and what is live is given out once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...fates), { minLength: 1, maxLength: 6 }),
      fc.nat(20),
      answerers,
      async (all, seenUpTo, order) => {
        const clock = manualClock();
        const log = new LaggingLog(1e9, clock);
        const spool = spoolOver(log, { clock, giveUpAfter: 8_000, cleanedOver: 1_000 });
        await spool.prepare(['0']);
        const writer = spool.writer({ shards: ['0'] });
        const mails = all.map((fate) => ({ fate, mail: mailOf(1, Buffer.alloc(300, 'x')) }));
        for (const { mail } of mails) await during(clock, writer.commit(mail));
        const owner = await during(clock, spool.own('0', ownerOptions('one')));
        void (async () => {
          for await (const { mail } of owner.mails()) expect(mail.envelope.id).not.toBe('');
        })();
        await clock.advance(1_000);
        const acts = mails.flatMap(({ fate, mail }) => actsOf(owner, mail, fate));
        for (const [n, act] of acts.entries()) {
          if (n === seenUpTo) await log.catchUp();
          await during(clock, act());
        }
        if (seenUpTo >= acts.length) await log.catchUp();
        // It truncates, cleans, truncates, and is killed.
        await clock.advance(11_000);

        log.answerers = [...order, { by: 'replica', catchesUp: Infinity }];
        const next = await during(clock, spool.own('0', ownerOptions('two')));
        const found = Array.from(next.deferred, ({ mail }) => mail.envelope.id);
        void (async () => {
          for await (const { mail } of next.mails()) found.push(mail.envelope.id);
        })();
        await clock.advance(10_000);
        const live = mails.filter(({ fate }) => fate === 'waits' || fate === 'deferred');
        expect(found.sort()).toEqual(live.map(({ mail }) => mail.envelope.id).sort());
        await during(clock, next.close());
      },
    ),
    { numRuns: 200 },
  );
}, 60_000);
