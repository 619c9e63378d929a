import type { QueuedMail, QueueSummary, RecipientState } from '@postrider/protocol';
import { expect, test } from 'vitest';
import {
  contentText,
  listTable,
  recipientText,
  showText,
  stateText,
  summaryTable,
  whyNone,
} from './queue-views.js';

const now = new Date(2026, 0, 2, 12, 0, 0).getTime();
const later = '451 4.7.1 later';
const states = {
  active: { state: 'active' },
  inFlight: { state: 'in-flight', channel: 'c1', worker: 'w1', since: now - 5_000 },
  deferred: { state: 'deferred', until: now + 300_000, diagnostic: { status: '4.7.1', text: later } },
  held: { state: 'held', reason: 'held by an operator' },
  failed: { state: 'failed', diagnostic: { status: '5.1.1', text: '550 no such user' } },
  delivered: { state: 'delivered' },
} as const satisfies Record<string, RecipientState>;

const mailOf = (state: RecipientState, id = '0123456789bcdfghjk', attempts = 1): QueuedMail => ({
  id,
  shard: '0',
  owner: 'queue-manager-1',
  reversePath: 'me@example.org',
  sizeInOctets: 2048,
  acceptedAt: now - 600_000,
  recipients: [{ forwardPath: 'you@dest.test', site: 'smtp://mx.dest.test:25', attempts, state }],
});

test.each([
  [states.active, 'waits its turn'],
  [states.inFlight, 'on its way since 5 s, c1'],
  [states.deferred, 'deferred, next try 12:05:00 (in 5 min): 451 4.7.1 later'],
  [states.held, 'held: held by an operator'],
  [states.failed, 'failed: 550 no such user'],
  [states.delivered, 'delivered'],
])('state %j', (state, text) => expect(stateText(state, now)).toBe(text));

test('a time that has passed is no negative wait', () => {
  expect(stateText({ ...states.deferred, until: now - 1000 }, now)).toContain('(in 0 s)');
});

test('the list has a line a recipient, under its head', () => {
  expect(listTable([mailOf(states.deferred)], now).split('\n')).toEqual([
    'id                  age     size   from              to             tries  state',
    '0123456789bcdfghjk  10 min  2 KiB  <me@example.org>  you@dest.test  1      deferred, next try 12:05:00 (in 5 min): 451 4.7.1 later',
  ]);
});

test('a recipient who has ended is in no list of what waits', () => {
  const mail = mailOf(states.deferred);
  const ended = [states.delivered, states.failed].flatMap((state) => mailOf(state).recipients);
  const both = { ...mail, recipients: [...mail.recipients, ...ended] };
  expect(listTable([both], now)).toBe(listTable([mail], now));
});

test('the summary: shards, their sums, the sites with most mail first', () => {
  const site = (name: string, deferred: number) => ({ site: name, waiting: 0, deferred, channels: 1 });
  const shard: QueueSummary = {
    shard: '0',
    owner: 'q1',
    active: 1,
    inFlight: 2,
    deferred: 3,
    held: 4,
    oldestAt: now - 60_000,
    sites: [site('few', 1), { ...site('many', 9), lastDiagnostic: later }],
  };
  const text = summaryTable([shard], shard, now);
  expect(text.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    ['shard', 'active', 'in flight', 'deferred', 'held', 'oldest', 'owner'],
    ['0', '1', '2', '3', '4', '60 s', 'q1'],
    ['all', '1', '2', '3', '4'],
    [''],
    ['site', 'waiting', 'deferred', 'channels', 'last said'],
    ['many', '0', '9', '1', later],
    ['few', '0', '1', '1'],
  ]);
});

test('one mail, with what it says', () => {
  const text = showText(mailOf(states.held), Buffer.from('Subject: s\r\n\r\nbody\r\n'), now);
  expect(text).toContain(
    'to        you@dest.test via smtp://mx.dest.test:25, 1 try: held: held by an operator',
  );
  expect(text).toContain('(10 min ago), 2 KiB');
  expect(text.endsWith('Subject: s\n\nbody\n')).toBe(true);
  expect(showText(mailOf(states.held, 'x', 2), undefined, now)).toContain('2 tries:');
});

test('control characters of a content do not reach the terminal', () => {
  expect(contentText(Buffer.from('a\u001b[2Jb\u0007\tc\r\nd'))).toBe('a?[2Jb?\tc\nd');
});

test.each([
  ['retry', [], 'no mail that waits matches'],
  ['retry', [states.inFlight], 'it is on its way'],
  ['retry', [states.active], 'it waits its turn'],
  ['retry', [states.inFlight, states.active, states.active], '1 on the way, 2 waiting for a turn'],
  ['retry', [states.deferred], 'it is deferred, since just now or as its sender wants (FUTURERELEASE)'],
  ['retry', [states.held], "it is held; 'queue release' has held mail tried again"],
  [
    'retry',
    [states.inFlight, states.held],
    "1 on the way, 1 held; 'queue release' has held mail tried again",
  ],
  ['hold', [states.held], 'it is held'],
  ['hold', [states.held, states.held, states.active], '2 held, 1 changed just now'],
  ['delete', [states.active], 'it has changed just now'],
  ['release', [states.held], 'it has changed just now'],
  ['release', [states.deferred], 'it is not held'],
  ['release', [states.deferred, states.active], 'none of 2 that match is held'],
] as const)('why %s of %j does nothing', (act, found, text) => {
  expect(
    whyNone(
      act,
      found.map((state) => mailOf(state)),
    ),
  ).toBe(text);
});

test('a mail stands where the recipient who holds it up does', () => {
  const { recipients, ...mail } = mailOf(states.deferred);
  const besides = (state: RecipientState): QueuedMail => ({
    ...mail,
    recipients: recipients.flatMap((recipient) => [recipient, { ...recipient, state }]),
  });
  expect(whyNone('retry', [besides(states.inFlight)])).toBe('it is on its way');
  expect(whyNone('hold', [besides(states.held)])).toBe('it is held');
});

test('a recipient who has ended, or has no way yet, has no site to name', () => {
  const recipient = { forwardPath: 'you@dest.test', site: '', attempts: 0, state: states.delivered };
  expect(recipientText(recipient, now)).toBe('you@dest.test: delivered');
  expect(recipientText({ ...recipient, attempts: 1, state: states.active }, now)).toBe(
    'you@dest.test, 1 try: waits its turn',
  );
});
