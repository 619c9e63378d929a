import type { EventRecord } from '@postrider/protocol';
import { expect, test } from 'vitest';
import { aboutMail, dsnsIn, mentions, traceText } from './trace-view.js';

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
    'now: you@grey.test via s, 1 try: deferred, next try 12:00:05 (in 5 s): 451 later\nheld by q1 (shard 0)',
  );
});
