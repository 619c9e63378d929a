import { expect, test } from 'vitest';
import { shard as shardProtocol } from '@postrider/protocol';
import { startRig, turns, type Rig } from '../rig/rig.js';

const minute = 60_000;
const hour = 60 * minute;

const live = (rig: Rig): number => rig.queue.environment.owner.figures()['liveMails'] ?? -1;
const ref = (rig: Rig) => rig.bus.ref(shardProtocol, '0');
const unreachable = {
  reason: 'site-temporary' as const,
  diagnostic: { status: '4.4.1', text: 'connection refused' },
};

test('a mail goes to its site and ends when its result is written', async () => {
  const rig = await startRig();
  const id = await rig.accept();
  expect(rig.worker.taken).toMatchObject([
    { id, attempt: 1, envelope: { recipients: [{ index: 0, forwardPath: 'to@a.test' }] } },
  ]);
  expect(rig.worker.opened).toMatchObject([{ site: 'smtp://192.0.2.1:25', destination: { kind: 'smtp' } }]);
  expect(live(rig)).toBe(0);
  expect(rig.queue.book.figures()).toMatchObject({ active: 0, deferred: 0, held: 0 });
  expect(rig.events('queued')).toMatchObject([
    { id: `${id}:queued`, sites: [{ rule: '*', recipients: ['to@a.test'] }] },
  ]);
});

test('the next mail goes over the channel that is open', async () => {
  const rig = await startRig();
  await rig.accept();
  await rig.accept();
  expect(rig.worker.opened).toHaveLength(1);
  expect(new Set(rig.worker.taken.map(({ channel }) => channel)).size).toBe(1);
});

test('a temporary failure is deferred and tried on the schedule, content read back from DEFER', async () => {
  const rig = await startRig();
  rig.worker.answer = () => 'temporary';
  const id = await rig.accept({}, 'Subject: x\r\n\r\nThe body\r\n');
  expect(rig.events('deferred')).toMatchObject([{ mail: id, attempt: 1, recipients: ['to@a.test'] }]);
  expect(rig.queue.book.figures()).toMatchObject({ active: 0, deferred: 1 });
  await rig.pass(4 * minute);
  expect(rig.worker.taken).toHaveLength(1);
  rig.worker.answer = () => 'delivered';
  await rig.pass(2 * minute);
  expect(rig.worker.taken).toHaveLength(2);
  expect(rig.worker.taken[1]).toMatchObject({ id, attempt: 2 });
  expect(Buffer.from(rig.worker.taken[1]?.content ?? []).toString()).toContain('The body');
  expect(live(rig)).toBe(0);
});

test('a permanent failure makes a DSN, which is mail like any other', async () => {
  const rig = await startRig();
  rig.worker.answer = (job) => (job.envelope.reversePath === '' ? 'delivered' : 'permanent');
  const id = await rig.accept();
  await turns();
  const dsn = rig.worker.taken[1];
  expect(dsn?.envelope).toMatchObject({ reversePath: '', recipients: [{ forwardPath: 'from@example.org' }] });
  const text = Buffer.from(dsn?.content ?? []).toString();
  expect(text).toMatch(/Action: failed/i);
  expect(text).toContain('550 5.1.1 No such user');
  expect(text).toContain('Subject: hello');
  expect(rig.events('bounced')).toMatchObject([
    { mail: id, dsn: dsn?.id, to: 'from@example.org', action: 'failed' },
  ]);
  expect(rig.events('failed')).toHaveLength(1);
  expect(live(rig)).toBe(0);
});

test('only those fail in a DSN of whom the sender wants to hear (RFC 3461 §4.1)', async () => {
  const rig = await startRig();
  rig.worker.answer = (job) => (job.envelope.reversePath === '' ? 'delivered' : 'permanent');
  await rig.accept({ recipients: [{ forwardPath: 'never@a.test', notify: ['NEVER'] }] });
  await turns();
  expect(rig.events('bounced')).toHaveLength(0);
  await rig.accept({
    dsn: { envid: 'QQ314' },
    recipients: [
      { forwardPath: 'success@a.test', notify: ['SUCCESS'] },
      { forwardPath: 'told@a.test', notify: ['FAILURE'], orcpt: 'rfc822;Told@a.test' },
    ],
  });
  await turns();
  const dsn = rig.worker.taken.find(({ envelope }) => envelope.reversePath === '');
  const text = Buffer.from(dsn?.content ?? []).toString();
  expect(text).toContain('Original-Envelope-Id: QQ314');
  expect(text).toMatch(/Original-Recipient: rfc822; ?Told@a\.test/);
  expect(text).not.toContain('success@a.test');
  expect(rig.events('failed')).toHaveLength(2);
  expect(live(rig)).toBe(0);
});

test('a null reverse-path gets no DSN', async () => {
  const rig = await startRig();
  rig.worker.answer = () => 'permanent';
  await rig.accept({ reversePath: '' });
  expect(rig.worker.taken).toHaveLength(1);
  expect(rig.events('failed')).toHaveLength(1);
  expect(rig.events('bounced')).toHaveLength(0);
  expect(live(rig)).toBe(0);
});

test('recipients of two sites: one ends, the other is deferred and tried alone', async () => {
  const rig = await startRig();
  rig.worker.answer = () => undefined;
  const id = await rig.accept({ recipients: [{ forwardPath: 'one@a.test' }, { forwardPath: 'two@b.test' }] });
  const [first, second] = rig.worker.taken;
  const opened = new Map(rig.worker.opened.map(({ id: channel, site }) => [channel, site]));
  expect([opened.get(first?.channel ?? ''), opened.get(second?.channel ?? '')]).toEqual([
    'smtp://192.0.2.1:25',
    'smtp://192.0.2.2:25',
  ]);
  const { bus } = rig;
  const report = (channel: string, index: number, outcome: 'delivered' | 'temporary') =>
    bus.ref(shardProtocol, '0').ask('report', {
      channel,
      worker: rig.worker.name,
      epoch: 1,
      results: [
        {
          id,
          attempt: 1,
          outcomes: [{ recipients: [index], outcome, diagnostic: { status: '2.0.0', text: 'x' } }],
        },
      ],
    });
  await report(second?.channel ?? '', 1, 'temporary');
  expect(rig.queue.book.figures()).toMatchObject({ active: 1, deferred: 0 });
  await report(first?.channel ?? '', 0, 'delivered');
  await turns();
  expect(rig.queue.book.figures()).toMatchObject({ active: 0, deferred: 1 });
  const again = await rig.killed();
  again.worker.answer = () => 'delivered';
  await again.pass(6 * minute);
  expect(again.worker.taken.at(-1)).toMatchObject({
    id,
    attempt: 2,
    envelope: { recipients: [{ index: 1 }] },
  });
  expect(live(again)).toBe(0);
});

test('recipients of one mail with different outcomes: one DSN, about those that failed', async () => {
  const rig = await startRig();
  rig.worker.answer = (job) => (job.envelope.reversePath === '' ? 'delivered' : undefined);
  const id = await rig.accept({
    recipients: ['a', 'b', 'c'].map((name) => ({ forwardPath: `${name}@a.test` })),
  });
  await ref(rig).ask('report', {
    channel: rig.worker.taken[0]?.channel ?? '',
    worker: rig.worker.name,
    epoch: 1,
    results: [
      {
        id,
        attempt: 1,
        outcomes: [
          { recipients: [0], outcome: 'delivered', diagnostic: { status: '2.0.0', text: '250 Ok' } },
          { recipients: [1], outcome: 'permanent', diagnostic: { status: '5.1.1', text: '550 no b' } },
          { recipients: [2], outcome: 'permanent', diagnostic: { status: '5.2.2', text: '552 c is full' } },
        ],
      },
    ],
  });
  await turns();
  const text = Buffer.from(rig.worker.taken[1]?.content ?? []).toString();
  expect(rig.worker.taken).toHaveLength(2);
  expect(text).not.toContain('a@a.test');
  expect(text).toContain('b@a.test');
  expect(text).toContain('552 c is full');
  expect(live(rig)).toBe(0);
});

test('unknown three times in a row: held, and released it is tried again', async () => {
  const rig = await startRig();
  rig.worker.answer = () => 'unknown';
  const id = await rig.accept();
  expect(rig.events('unknown')).toHaveLength(1);
  await rig.pass(6_000);
  await rig.pass(61_000);
  expect(rig.worker.taken).toHaveLength(3);
  expect(rig.events('held')).toMatchObject([{ mail: id }]);
  await rig.pass(hour);
  expect(rig.worker.taken).toHaveLength(3);
  const again = await rig.killed();
  await again.pass(hour);
  expect(again.queue.book.figures()).toMatchObject({ held: 1 });
  again.worker.answer = () => 'delivered';
  await ref(again).ask('release', { filter: { ids: [id] } });
  await turns();
  expect(again.worker.taken).toHaveLength(4);
  expect(live(again)).toBe(0);
});

test('a mail of unknown outcome travels alone on its channel', async () => {
  const rig = await startRig();
  rig.worker.answer = () => 'unknown';
  const first = await rig.accept();
  rig.worker.answer = () => undefined;
  await rig.pass(6_000);
  expect(rig.worker.taken.at(-1)).toMatchObject({ id: first, attempt: 2 });
  const alone = rig.worker.taken.at(-1)?.channel;
  await rig.accept();
  await turns();
  const second = rig.worker.taken.at(-1);
  expect(second?.id).not.toBe(first);
  expect(second?.channel).not.toBe(alone);
});

test('untried mail goes out again at once and its attempts do not count', async () => {
  const rig = await startRig();
  rig.worker.answer = () => undefined;
  const id = await rig.accept();
  const channel = rig.worker.taken[0]?.channel ?? '';
  await rig.worker.end(channel, { reason: 'draining' });
  await rig.pass(1_000);
  expect(rig.worker.taken).toHaveLength(2);
  expect(rig.worker.taken[1]).toMatchObject({ id, attempt: 1 });
  expect(rig.worker.taken[1]?.channel).not.toBe(channel);
});

test('a site that can not be reached defers all that waits for it, and comes back', async () => {
  const rig = await startRig();
  rig.worker.refuse = unreachable;
  await rig.accept();
  await rig.accept();
  expect(rig.events('site_blocked')).toHaveLength(1);
  expect(rig.events('deferred')).toHaveLength(2);
  expect(rig.queue.book.figures()).toMatchObject({ deferred: 2 });
  rig.worker.refuse = undefined;
  await rig.pass(6 * minute);
  expect(rig.events('deferred')).toHaveLength(2);
  expect(live(rig)).toBe(0);
});

test('retry tries at once, also when the site was left alone', async () => {
  const rig = await startRig();
  rig.worker.refuse = unreachable;
  const id = await rig.accept();
  rig.worker.refuse = undefined;
  expect(await ref(rig).ask('retry', { filter: {} })).toEqual({ result: 'done', ids: [id] });
  await turns();
  expect(live(rig)).toBe(0);
  expect(rig.events('retried')).toMatchObject([{ mail: id }]);
});

test('a greeting of 554 fails what waits', async () => {
  const rig = await startRig();
  rig.worker.answer = () => undefined;
  rig.worker.refuse = { reason: 'site-permanent', diagnostic: { status: '5.3.2', text: '554 no mail here' } };
  await rig.accept({ reversePath: '' });
  expect(rig.events('failed')).toMatchObject([{ diagnostic: { text: '554 no mail here' } }]);
  expect(live(rig)).toBe(0);
});

test('a mail expires: failed 4.4.7 with a DSN', async () => {
  const rig = await startRig({
    config: { queue: { retry: { first: '1h', max: '1h' }, expire: '3h', warn: '10h' } },
  });
  rig.worker.answer = (job) => (job.envelope.reversePath === '' ? 'delivered' : 'temporary');
  const id = await rig.accept();
  for (let n = 0; n < 6; n++) await rig.pass(hour);
  expect(rig.events('expired')).toMatchObject([{ mail: id, diagnostic: { status: '4.4.7' } }]);
  expect(rig.events('bounced')).toHaveLength(1);
  expect(Buffer.from(rig.worker.taken.at(-1)?.content ?? []).toString()).toContain('4.4.7');
  expect(live(rig)).toBe(0);
});

test('no dispatch while the lease is not trusted; it goes on when it is', async () => {
  const rig = await startRig();
  await rig.accept();
  rig.trust(false);
  await rig.accept();
  await rig.pass(3_000);
  expect(rig.worker.taken).toHaveLength(1);
  rig.trust(true);
  await rig.pass(1_000);
  expect(rig.worker.taken).toHaveLength(2);
});

test('without a full host name mail by MX waits and says why', async () => {
  const rig = await startRig({ config: { hostname: '' } });
  const id = await rig.accept({ recipients: [{ forwardPath: 'to@mx.test' }] });
  expect(rig.events('deferred')).toMatchObject([
    { mail: id, diagnostic: { status: '4.3.5', text: 'outbound off: set hostname' } },
  ]);
  expect(rig.worker.taken).toHaveLength(0);
});

test('a domain that does not exist fails with a DSN, without an attempt', async () => {
  const rig = await startRig();
  await rig.accept({ recipients: [{ forwardPath: 'to@mx.test' }] });
  await turns();
  expect(rig.events('failed')).toMatchObject([{ diagnostic: { status: '5.1.2' } }]);
  expect(rig.worker.taken).toMatchObject([
    { envelope: { recipients: [{ forwardPath: 'from@example.org' }] } },
  ]);
});

test('a busy site gets channels up to its limit and no more', async () => {
  const rig = await startRig({ config: { outbound: { channels_per_site: 5 } } });
  rig.worker.answer = () => undefined;
  for (let n = 0; n < 60; n++) await rig.accept();
  expect(rig.worker.opened).toHaveLength(5);
  expect(rig.worker.taken).toHaveLength(60);
  const summary = await ref(rig).ask('summary', {});
  expect(Object.keys(summary).sort()).toEqual([
    'active',
    'deferred',
    'held',
    'inFlight',
    'oldestAt',
    'owner',
    'shard',
    'sites',
  ]);
  expect(summary.sites).toMatchObject([{ channels: 5, waiting: 0 }]);
  expect(await ref(rig).ask('sites', {})).toMatchObject({
    sites: [{ channels: 5, waiting: 0 }],
    limits: [{ limit: 5, granted: 5 }],
  });
});
