/** When a mail is to go, by its sender: kept in the queue, over takeovers too. */
import { shard as shardProtocol } from '@postrider/protocol';
import { expect, test } from 'vitest';
import { startRig, turns, type Rig } from '../rig/rig.js';

const minute = 60_000;
const hour = 60 * minute;
const ref = (rig: Rig) => rig.bus.ref(shardProtocol, '0');
const retries = { queue: { retry: { first: '5m', max: '5m' } } };
const listed = async (rig: Rig) => (await ref(rig).ask('list', { filter: {}, limit: 10 })).mails;
const live = async (rig: Rig): Promise<number> => (await listed(rig)).length;

test('a mail is held until its release, over takeovers, whoever asks for it earlier', async () => {
  const rig = await startRig();
  const at = rig.clock.now() + hour;
  await rig.accept({ scheduling: { release: { at, asked: 'for;3600' } } });
  expect(rig.events('deferred')).toMatchObject([{ attempt: 0, until: new Date(at).toISOString() }]);
  const again = await rig.killed();
  await again.pass(10 * minute);
  expect(await listed(again)).toMatchObject([
    { recipients: [{ attempts: 0, state: { state: 'deferred', until: at } }] },
  ]);
  expect((await ref(again).ask('retry', { filter: {} })).ids).toEqual([]);
  await again.pass(49 * minute);
  expect(again.worker.taken).toEqual([]);
  await again.pass(2 * minute);
  expect(again.worker.taken).toHaveLength(1);
  expect(await live(again)).toBe(0);
});

test('a release that is near stays where it is, and counts all the same', async () => {
  const rig = await startRig();
  await rig.accept({ scheduling: { release: { at: rig.clock.now() + 10_000, asked: 'for;10' } } });
  await rig.pass(8_000);
  expect(rig.worker.taken).toEqual([]);
  await rig.pass(4_000);
  expect(rig.worker.taken).toHaveLength(1);
});

test('its age counts from its release', async () => {
  const rig = await startRig({
    config: { queue: { retry: { first: '30m', max: '30m' }, expire: '1h', warn: '30m' } },
  });
  rig.worker.answer = ({ envelope }) => (envelope.reversePath === '' ? 'delivered' : 'temporary');
  await rig.accept({ scheduling: { release: { at: rig.clock.now() + 3 * hour, asked: 'for;10800' } } });
  await rig.pass(3 * hour + 10 * minute);
  expect(rig.events('bounced')).toEqual([]);
  expect(rig.events('expired')).toEqual([]);
  await rig.pass(2 * hour);
  expect(rig.events('bounced')).toMatchObject([{ action: 'delayed' }, { action: 'failed' }]);
});

test('by R it goes back when its time is over, and no attempt is made after it', async () => {
  const rig = await startRig({ config: retries });
  rig.worker.answer = ({ envelope }) => (envelope.reversePath === '' ? 'delivered' : 'temporary');
  const at = rig.clock.now() + 12 * minute;
  await rig.accept({ scheduling: { deliverBy: { at, mode: 'R', trace: false } } });
  await rig.pass(11 * minute);
  const attempts = rig.worker.taken.length;
  expect(attempts).toBeGreaterThan(1);
  const again = await rig.killed();
  await again.pass(2 * minute);
  expect(again.events('failed')).toMatchObject([{ diagnostic: { status: '5.4.7' } }]);
  expect(again.events('bounced')).toMatchObject([{ action: 'failed' }]);
  const [dsn] = again.worker.taken.filter(({ envelope }) => envelope.reversePath === '');
  const text = Buffer.from(dsn?.content ?? []).toString();
  expect(text).toContain('Status: 5.4.7');
  expect(text).toMatch(/^Deliver-by-date: /m);
  expect(again.worker.taken.filter(({ envelope }) => envelope.reversePath !== '')).toHaveLength(attempts);
  expect(await live(again)).toBe(0);
});

test('by R what only waits for a channel goes back too, what is in flight after its attempt', async () => {
  const rig = await startRig({ config: retries });
  rig.worker.answer = ({ envelope }) => (envelope.reversePath === '' ? 'delivered' : undefined);
  const deliverBy = { at: rig.clock.now() + minute, mode: 'R', trace: false } as const;
  const id = await rig.accept({ scheduling: { deliverBy } });
  await rig.pass(2 * minute);
  expect(rig.events('failed')).toEqual([]);
  await rig.worker.report(id, 'temporary');
  await turns();
  expect(rig.events('failed')).toMatchObject([{ diagnostic: { status: '5.4.7' } }]);
});

test('by N its sender is told once, and it goes on', async () => {
  const rig = await startRig({ config: retries });
  rig.worker.answer = ({ envelope }) => (envelope.reversePath === '' ? 'delivered' : 'temporary');
  const at = rig.clock.now() + 12 * minute;
  await rig.accept({ scheduling: { deliverBy: { at, mode: 'N', trace: false } } });
  await rig.pass(13 * minute);
  expect(rig.events('bounced')).toMatchObject([{ action: 'delayed' }]);
  const [dsn] = rig.worker.taken.filter(({ envelope }) => envelope.reversePath === '');
  expect(Buffer.from(dsn?.content ?? []).toString()).toContain('Status: 4.4.7');
  const again = await rig.killed();
  await again.pass(30 * minute);
  expect(again.events('bounced')).toHaveLength(1);
  again.worker.answer = () => 'relayed';
  await again.pass(10 * minute);
  expect(await live(again)).toBe(0);
});

test('mail of higher priority goes first, the others in the order they came', async () => {
  const rig = await startRig({ config: { outbound: { channels_per_site: 1 } } });
  rig.trust(false);
  const order: string[] = [];
  rig.worker.answer = ({ id }) => {
    order.push(id);
    return 'relayed';
  };
  const ids: Record<string, string> = {};
  for (const [name, priority] of Object.entries({ low: -4, a: 0, high: 6, b: 0, higher: 7 }))
    ids[name] = await rig.accept(priority === 0 ? {} : { scheduling: { priority } });
  rig.trust(true);
  await rig.pass(5_000);
  expect(order).toEqual(['higher', 'high', 'a', 'b', 'low'].map((name) => ids[name]));
  expect(rig.worker.taken[0]?.envelope.scheduling).toEqual({ priority: 7 });
});

test('a mail that an access rule holds waits for an administrator, over takeovers, and once released it goes', async () => {
  const rig = await startRig();
  const id = await rig.accept({ hold: 'looks odd' });
  expect(rig.events('held')).toMatchObject([{ mail: id, reason: 'looks odd' }]);
  const again = await rig.killed();
  await again.pass(minute);
  expect(await listed(again)).toMatchObject([
    { recipients: [{ state: { state: 'held', reason: 'looks odd' } }] },
  ]);
  again.worker.answer = () => 'temporary';
  await ref(again).ask('release', { filter: { ids: [id] } });
  await again.pass(minute);
  const last = await again.killed();
  expect(await listed(last)).toMatchObject([{ recipients: [{ attempts: 1, state: { state: 'deferred' } }] }]);
});

test('retry for a domain and all under it', async () => {
  const rig = await startRig({ config: retries });
  rig.worker.answer = () => 'temporary';
  const ids: string[] = [];
  for (const domain of ['node.test', 'sub.node.test', 'othernode.test'])
    ids.push(await rig.accept({ recipients: [{ forwardPath: `a@${domain}` }] }));
  await rig.pass(minute);
  expect((await ref(rig).ask('retry', { filter: { below: 'Node.test' } })).ids).toEqual(ids.slice(0, 2));
});
