import type { EventRecord, QueuedMail } from '@postrider/protocol';
import { expect, test } from 'vitest';
import { aboutMail, dsnsIn, inOrder, mentions, traceText, wholeOf } from './trace-view.js';

const now = new Date(2026, 0, 2, 12, 0, 0).getTime();
const id = '0123456789bcdfghjk';
const event = (name: string, after: number, more: Readonly<Record<string, unknown>> = {}): EventRecord => ({
  id: `${name}-${after}`,
  at: new Date(now + after).toISOString(),
  service: 'queue-manager',
  instance: 'q1',
  event: name,
  mail: id,
  ...more,
});
const failed = event('failed', 20_000, { recipients: ['you@gone.test'], diagnostic: { text: '550 no' } });

test('a mail, its parts, and no other', () => {
  expect(aboutMail(event('queued', 0), id)).toBe(true);
  expect(aboutMail(event('queued', 0, { mail: `${id}-1` }), id)).toBe(true);
  expect(aboutMail(event('queued', 0, { mail: `${id}x` }), id)).toBe(false);
});

test('an address is its sender, its recipient or who gets its DSN, in any case', () => {
  expect(mentions(event('accepted', 0, { reversePath: 'Me@example.org' }), 'me@EXAMPLE.org')).toBe(true);
  expect(mentions(failed, 'you@gone.test')).toBe(true);
  expect(mentions(event('bounced', 0, { to: 'me@example.org' }), 'me@example.org')).toBe(true);
  expect(mentions(failed, 'you@gone.test.example')).toBe(false);
});

test('an address is also who was refused, and the alias that was expanded or led to a mail', () => {
  expect(mentions(event('rejected', 0, { recipient: 'you@gone.test' }), 'you@gone.test')).toBe(true);
  expect(mentions(event('expanded', 0, { alias: 'team@a.test' }), 'team@a.test')).toBe(true);
  const accepted = event('accepted', 0, { recipients: ['ann@a.test'], given: ['team@a.test'] });
  expect(mentions(accepted, 'Team@a.test')).toBe(true);
});

test('a part names its whole', () => {
  expect(wholeOf(`${id}-12`)).toBe(id);
  expect(wholeOf(id)).toBe(id);
});

test('of one millisecond: what follows from another stands behind it', () => {
  const names = ['bounced', 'failed', 'queued', 'accepted'];
  const order = inOrder([event('later', 1), ...names.map((name) => event(name, 0))]);
  expect(order.map((one) => one.event)).toEqual(['accepted', 'queued', 'failed', 'bounced', 'later']);
});

test('DSNs are found by the event that tells of them', () => {
  expect(dsnsIn(event('bounced', 0, { dsn: 'd1' }))).toEqual(['d1']);
  expect(dsnsIn(event('failed', 0, { dsn: 'd1' }))).toEqual([]);
});

test('a line an event, with the time since the first, and what is now', () => {
  const events = [
    event('queued', 0, { sites: [] }),
    failed,
    event('queued', 30_000, { mail: 'd1', sites: [] }),
  ];
  const lines = traceText({ id, events }, now).split('\n');
  expect(lines).toEqual([
    `mail ${id}`,
    '12:00:00  +0 ms  queue-manager  queued',
    '12:00:20  +20 s  queue-manager  failed  you@gone.test: 550 no',
    '12:00:30  +30 s  queue-manager  queued    DSN d1:',
    'now: nothing of it waits here any more',
  ]);
});

const recipient = (
  forwardPath: string,
  state: QueuedMail['recipients'][number]['state'],
): QueuedMail['recipients'][number] => ({ forwardPath, site: '', attempts: 0, state });
const queued = (recipients: QueuedMail['recipients'], name = id): QueuedMail => ({
  id: name,
  shard: '0',
  owner: 'q1',
  reversePath: '',
  sizeInOctets: 1,
  acceptedAt: now,
  recipients,
});

test('what has ended everywhere waits nowhere, though its shard still knows it', () => {
  const ended = queued([recipient('you@gone.test', { state: 'failed' })]);
  expect(traceText({ id, events: [], mail: ended }, now)).toContain('now: nothing of it waits');
  expect(traceText({ id, events: [], mail: queued([]) }, now)).toContain('now: nothing of it waits');
});

test('held: what lets it go on; parts have their own lines', () => {
  const held = recipient('you@a.test', { state: 'held', reason: 'legal' });
  const part = queued([recipient('me@a.test', { state: 'active' })], `${id}-1`);
  expect(traceText({ id, events: [], mail: queued([held]), parts: [part] }, now).split('\n')).toEqual([
    `mail ${id}`,
    'now: you@a.test: held: legal',
    'in the hands of q1 (shard 0)',
    `held until 'postrider queue release ${id}' or 'postrider queue delete ${id} --yes'`,
    'now: me@a.test: waits its turn',
    'in the hands of q1 (shard 0)',
  ]);
});

test('many who stand alike: a line, the one that is looked for first', () => {
  const many = Array.from({ length: 9 }, (_, n) => recipient(`u${n}@a.test`, { state: 'active' }));
  expect(traceText({ id, events: [], mail: queued(many) }, now, 'U8@a.test')).toContain(
    'now: u8@a.test, u0@a.test, u1@a.test, u2@a.test, u3@a.test, … and 4 more: waits its turn',
  );
  const recipients = many.map(({ forwardPath }) => forwardPath);
  const sites = [{ site: 's', rule: '*', recipients }];
  const events = [
    event('queued', 0, { sites }),
    event('failed', 0, { recipients, diagnostic: { text: 'no' } }),
  ];
  expect(traceText({ id, events }, now).split('\n').slice(1, 3)).toEqual([
    '12:00:00  +0 ms  queue-manager  queued  u0@a.test, u1@a.test, u2@a.test, u3@a.test, u4@a.test, … and 4 more → s (rule *)',
    '12:00:00  +0 ms  queue-manager  failed  u0@a.test, u1@a.test, u2@a.test, u3@a.test, u4@a.test, … and 4 more: no',
  ]);
});

test('while it waits: why, until when, who holds it', () => {
  const diagnostic = { status: '4.7.1', text: '451 later' };
  const mail = {
    id,
    shard: '0',
    owner: 'q1',
    reversePath: '',
    sizeInOctets: 1,
    acceptedAt: now,
    recipients: [
      {
        forwardPath: 'you@grey.test',
        site: 's',
        attempts: 1,
        state: { state: 'deferred', until: now + 5_000, diagnostic },
      },
    ],
  } as const;
  expect(traceText({ id, events: [], mail }, now)).toContain(
    'now: you@grey.test via s, 1 try: deferred, next try 12:00:05 (in 5 s): 451 later\nin the hands of q1 (shard 0)',
  );
});
