import type { EventRecord } from '@postrider/protocol';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { diagnosticText, eventLine, facts, seenTwice } from './event-lines.js';

const now = new Date(2026, 0, 2, 12, 0, 0).getTime();
const record = (event: string, more: Readonly<Record<string, unknown>> = {}): EventRecord => ({
  id: 'e1',
  at: new Date(now).toISOString(),
  service: 'queue-manager',
  instance: 'q1',
  event,
  ...more,
});
const diagnostic = { status: '4.7.1', text: '451 4.7.1 later', remoteMta: 'mx.dest.test' };
const recipients = ['you@dest.test'];
const attempt = { recipients, site: 'mx.dest.test', channel: 'c', diagnostic, ms: 12 };

test.each<[string, Readonly<Record<string, unknown>>, string]>([
  [
    'accepted',
    { reversePath: '', recipients, sizeInOctets: 2048, client: '127.0.0.1', helo: 'c.test', shard: '0' },
    '<> for you@dest.test, 2 KiB, from 127.0.0.1 (c.test), shard 0',
  ],
  [
    'accepted',
    {
      reversePath: 'a@b.test',
      recipients: ['ann@a.test', 'bob@a.test'],
      given: ['team@a.test'],
      sizeInOctets: 2048,
      client: '::1',
      helo: 'c',
      shard: '0',
    },
    '<a@b.test> for ann@a.test, bob@a.test by team@a.test, 2 KiB, from ::1 (c), shard 0',
  ],
  [
    'rejected',
    { reply: '550 5.7.1 no', verb: 'RCPT', client: '127.0.0.1', helo: 'c.test' },
    'RCPT of 127.0.0.1 (c.test): 550 5.7.1 no',
  ],
  [
    'rejected',
    {
      reply: '550 no',
      verb: 'RCPT',
      client: '::1',
      helo: 'c',
      recipient: 'x@y.test',
      reversePath: 'a@b.test',
    },
    'RCPT x@y.test of ::1 (c), from a@b.test: 550 no',
  ],
  ['queued', { sites: [{ site: 's', rule: '*', recipients }] }, 'you@dest.test → s (rule *)'],
  [
    'queued',
    { sites: [{ site: '', rule: 'gone.test', recipients }] },
    'you@dest.test → no site (rule gone.test)',
  ],
  [
    'relayed',
    attempt,
    'you@dest.test at mx.dest.test: mx.dest.test said 451 4.7.1 later, 12 ms after acceptance',
  ],
  [
    'relayed',
    { ...attempt, tls: 'TLSv1.3', ms: 14_400_000 },
    'you@dest.test at mx.dest.test: mx.dest.test said 451 4.7.1 later, TLSv1.3, 4 h after acceptance',
  ],
  [
    'deferred',
    { recipients, diagnostic, until: new Date(now + 86_400_000).toISOString() },
    'you@dest.test: mx.dest.test said 451 4.7.1 later; next try 2026-01-03 12:00:00',
  ],
  [
    'deferred',
    { recipients, diagnostic: { text: 'later' }, attempt: 2, until: new Date(now + 60_000).toISOString() },
    'you@dest.test, try 2: later; next try 12:01:00',
  ],
  ['failed', { recipients, diagnostic: { text: 'gone' } }, 'you@dest.test: gone'],
  ['bounced', { dsn: 'd1', action: 'failed', to: 'me@example.org' }, 'DSN d1 (failed) to me@example.org'],
  [
    'site_blocked',
    { site: 's', diagnostic, until: new Date(now + 30_000).toISOString() },
    's: mx.dest.test said 451 4.7.1 later; left alone until 12:00:30',
  ],
  ['channel_failed', { site: 's', diagnostic }, 's: mx.dest.test said 451 4.7.1 later'],
  [
    'expanded',
    { alias: 'team@a.test', members: ['a@a.test', 'b@a.test'] },
    'team@a.test → a@a.test, b@a.test',
  ],
  [
    'expanded',
    { mail: 'm', alias: 'all@a.test', page: 'p', members: 500, next: 'n' },
    'all@a.test: 500 of its members, as p; goes on as n',
  ],
  ['held', { reason: 'by an access rule' }, 'by an access rule'],
  ['deleted', { by: 'root' }, 'by root'],
  [
    'taken',
    { shard: '0', epoch: 2, mails: 3, deferred: 1, ms: 12 },
    'shard 0, epoch 2: 3 mails, 1 of them deferred, read in 12 ms',
  ],
  ['let_go', { shard: '0', epoch: 2, reason: 'asked to' }, 'shard 0, epoch 2: asked to'],
  [
    'located',
    { domain: 'a.test', result: 'exchangers', exchangers: ['mx.a.test'], ms: 3 },
    'a.test: exchangers mx.a.test, 3 ms',
  ],
  ['of_a_newer_version', { shard: '0', mails: 3 }, 'shard=0 mails=3'],
])('%s: %j', (event, more, text) => expect(facts(record(event, more), now)).toBe(text));

test('columns are the same for every event, and no line ends in blanks', () => {
  const short = eventLine(record('queued', { mail: 'm1', sites: [] }), now);
  const long = eventLine(record('channel_failed', { mail: 'm1', site: 's', diagnostic }), now);
  expect(short.indexOf('m1')).toBe(long.indexOf('m1'));
  expect(eventLine(record('released'), now)).toBe('12:00:00  queue-manager      released');
});

test('a diagnostic that is none is no text', () => {
  for (const value of [undefined, null, 'x', 1]) expect(diagnosticText(value)).toBe('');
});

test('any record that a newer service sends is a line', () => {
  fc.assert(
    fc.property(fc.string(), fc.dictionary(fc.string(), fc.jsonValue()), (event, more) => {
      expect(typeof eventLine({ ...more, ...record(event) }, now)).toBe('string');
    }),
  );
});

test.each(['accepted', 'queued', 'relayed', 'deferred', 'failed', 'bounced'])(
  '%s without its facts',
  (event) => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom('recipients', 'sites', 'until', 'ms', 'diagnostic'), fc.jsonValue()),
        (more) => {
          expect(typeof facts(record(event, more), now)).toBe('string');
        },
      ),
    );
  },
);

test('an event that comes again with its id is told once, and what has none each time', () => {
  const isTwice = seenTwice();
  const told = [record('taken'), record('taken'), { ...record('taken'), id: 'e2' }, {}, {}, null];
  expect(told.map(isTwice)).toEqual([false, true, false, false, false, false]);
});
