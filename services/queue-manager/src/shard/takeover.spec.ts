/** What survives: takeovers, lost workers, draining. */
import { expect, test } from 'vitest';
import { shard as shardProtocol, times } from '@postrider/protocol';
import { fakeWorker } from '../rig/fake-worker.js';
import { startRig, turns, type Rig } from '../rig/rig.js';
import { shardBehaviour } from './behaviour.js';

const hour = 3_600_000;

const live = (rig: Rig): number => rig.queue.environment.owner.figures()['liveMails'] ?? -1;
const inFlight = (rig: Rig, id: string): boolean => {
  const mail = rig.queue.book.get(id);
  return mail !== undefined && mail.parts.some(({ channel }) => channel !== undefined);
};
const ref = (rig: Rig) => rig.bus.ref(shardProtocol, '0');

test('a killed worker: what it had taken is unknown and tried again soon', async () => {
  const rig = await startRig();
  rig.worker.answer = () => undefined;
  await rig.accept();
  await rig.worker.kill();
  await rig.pass(6_000);
  expect(rig.events('unknown')).toHaveLength(0);
  await rig.pass(2_000);
  expect(rig.events('unknown')).toHaveLength(1);
});

test('a worker that held nothing for long is not lost with its next channel, before it can beat', async () => {
  const rig = await startRig();
  await rig.accept();
  await rig.worker.end(rig.worker.opened[0]?.id ?? '', { reason: 'idle' });
  await rig.clock.advance(2 * times.workerLost);
  rig.worker.answer = () => undefined;
  const taken = await rig.accept();
  await rig.clock.advance(times.beat - 1);
  await turns();
  expect(inFlight(rig, taken)).toBe(true);
  expect(rig.events('unknown')).toEqual([]);
});

test('a beat is noted by an owner whose lease is renewed, and by one that still reads its logs', async () => {
  const rig = await startRig();
  const asked = { worker: 'worker-1', channels: [] };
  expect(await ref(rig).ask('beat', asked)).toEqual({ result: 'noted' });
  rig.trust(false);
  expect(await ref(rig).ask('beat', asked)).toEqual({ result: 'not-owner' });
  const behaviour = shardBehaviour({ shard: '1', owner: 'qm-1', queue: undefined });
  await rig.bus.host(shardProtocol, behaviour, { key: '1' });
  expect(await rig.bus.ref(shardProtocol, '1').ask('beat', asked)).toEqual({ result: 'noted' });
});

test('a channel that nobody hosts: the new job was not taken, the earlier one is unknown', async () => {
  const rig = await startRig();
  rig.worker.answer = () => undefined;
  const first = await rig.accept();
  await rig.worker.kill();
  const second = await rig.accept();
  await rig.pass(3_000);
  expect(rig.events('unknown')).toMatchObject([{ mail: first }]);
  const { mail } = await ref(rig).ask('lookup', { id: second });
  expect(mail?.recipients).toMatchObject([{ attempts: 0, state: { state: 'active' } }]);
});

test('a channel for which nobody answers counts for the limit until its worker is lost', async () => {
  const rig = await startRig({ config: { outbound: { channels_per_site: 1 } } });
  rig.worker.answer = () => undefined;
  await rig.accept();
  await rig.worker.kill();
  const worker = await fakeWorker(rig.bus, 'worker-2');
  const at = { ...rig, worker };
  await at.accept();
  await rig.clock.advance(5_000);
  await turns();
  expect(worker.channels()).toBe(0);
  await rig.clock.advance(3_000);
  await turns();
  await rig.clock.advance(1_000);
  await turns();
  expect(worker.channels()).toBe(1);
});

test('a worker that was seen to end: its channels are free at once, and what it had taken is unknown', async () => {
  const rig = await startRig({ config: { outbound: { channels_per_site: 1 } } });
  rig.worker.answer = () => undefined;
  const taken = await rig.accept();
  await rig.worker.kill();
  const worker = await fakeWorker(rig.bus, 'worker-2');
  worker.answer = () => undefined;
  const waits = await rig.accept();
  expect(worker.channels()).toBe(0);
  ref(rig).tell('ended', { worker: 'worker-1' });
  ref(rig).tell('ended', { worker: 'of another time' });
  await turns();
  expect(rig.events('unknown')).toMatchObject([{ mail: taken }]);
  await rig.clock.advance(1_000);
  await turns();
  expect(worker.channels()).toBe(1);
  expect(worker.taken.map(({ id }) => id)).toEqual([waits]);
  ref(rig).tell('ended', { worker: 'worker-1' });
  await turns();
  expect(rig.events('unknown')).toHaveLength(1);
  expect(inFlight(rig, waits)).toBe(true);
});

test('the sender is warned once of a delay, also over a takeover', async () => {
  const rig = await startRig({
    config: { queue: { retry: { first: '1h', max: '1h' }, warn: '2h', expire: '5d' } },
  });
  const answer = (job: { readonly envelope: { readonly reversePath: string } }) =>
    job.envelope.reversePath === '' ? ('delivered' as const) : ('temporary' as const);
  rig.worker.answer = answer;
  await rig.accept();
  for (let n = 0; n < 4; n++) await rig.pass(hour);
  expect(rig.events('bounced')).toMatchObject([{ action: 'delayed' }]);
  const again = await rig.killed();
  for (let n = 0; n < 4; n++) await again.pass(hour);
  expect(again.worker.taken.length).toBeGreaterThan(7);
  expect(again.events('bounced')).toHaveLength(1);
});

test('hold keeps a mail over a takeover, delete ends it', async () => {
  const rig = await startRig();
  rig.worker.answer = () => 'temporary';
  const id = await rig.accept();
  await ref(rig).ask('hold', { filter: { address: 'TO@a.test' }, reason: 'looks odd' });
  await rig.pass(hour);
  expect(rig.worker.taken).toHaveLength(1);
  const again = await rig.killed();
  await turns();
  const { mails } = await ref(again).ask('list', { filter: { state: 'held' }, limit: 10 });
  expect(mails).toMatchObject([{ id, recipients: [{ state: { state: 'held', reason: 'looks odd' } }] }]);
  const shown = await ref(again).ask('show', { id });
  expect(Buffer.from(shown.content ?? []).toString()).toContain('Hello');
  expect(await ref(again).ask('delete', { filter: { domain: 'a.test' }, by: 'root' })).toEqual({
    result: 'done',
    ids: [id],
  });
  expect(again.events('deleted')).toMatchObject([{ mail: id, by: 'root' }]);
  expect(live(again)).toBe(0);
});

test('a takeover does not send what is finished, and waits for what a worker still holds', async () => {
  const rig = await startRig();
  await rig.accept();
  rig.worker.answer = () => undefined;
  const inFlight = await rig.accept();
  const again = await rig.killed();
  again.worker.beat();
  await again.pass(10_000);
  expect(again.worker.taken).toHaveLength(2);
  again.worker.beat();
  await again.worker.report(inFlight, 'delivered');
  expect(live(again)).toBe(0);
  expect(again.worker.taken).toHaveLength(2);
});

test('a new owner asks the workers that it knows: what none holds goes out at once, what one holds stays there', async () => {
  const rig = await startRig();
  rig.worker.answer = () => undefined;
  const held = await rig.accept();
  rig.trust(false);
  const waiting = await rig.accept();
  const again = await rig.killed();
  await again.clock.advance(500);
  await turns();
  expect(again.worker.taken.map(({ id }) => id)).toEqual([held, waiting]);
  await again.worker.report(held, 'delivered');
  await again.worker.report(waiting, 'delivered');
  expect(live(again)).toBe(0);
});

test('a worker that does not answer is waited for until it is lost', async () => {
  const rig = await startRig();
  rig.trust(false);
  await rig.accept();
  rig.worker.silent = true;
  const again = await rig.killed();
  await again.clock.advance(times.workerLost - 1_000);
  await turns();
  expect(again.worker.taken).toHaveLength(0);
  await again.pass(6_000);
  expect(again.worker.taken).toHaveLength(1);
});

test('a worker that has drained is not waited for', async () => {
  const rig = await startRig({ workers: { known: () => [{ worker: 'worker-1', drains: true }] } });
  rig.worker.answer = () => undefined;
  const lost = await rig.accept();
  await rig.worker.kill();
  const worker = await fakeWorker(rig.bus, 'worker-2');
  const again = { ...(await rig.killed()), worker };
  await again.clock.advance(500);
  await turns();
  expect(worker.taken).toMatchObject([{ id: lost }]);
});

test('a new owner of a site grants what the others were not granted, as soon as they have said so', async () => {
  const rig = await startRig({ config: { outbound: { channels_per_site: 3 } } });
  rig.worker.answer = () => undefined;
  for (let n = 0; n < 8; n++) await rig.accept();
  expect(rig.worker.channels()).toBe(1);
  const again = await rig.killed();
  for (let n = 0; n < 40; n++) await again.accept();
  await again.clock.advance(300);
  await turns();
  await again.clock.advance(300);
  await turns();
  // That of the owner before counts until it has ended.
  expect(again.worker.channels()).toBe(3);
});

test('who waits for what a new owner learns waits no longer when the shard is let go', async () => {
  const rig = await (await startRig({ workers: { known: () => undefined } })).killed();
  const asked = { site: 's', shard: '1', epoch: 1, holding: 0, want: 1 };
  const answer = ref(rig).ask('grant', asked);
  await turns();
  rig.queue.end();
  expect(await Promise.race([answer, turns()])).toMatchObject({ unknown: true });
});

test('a result that comes before any beat counts too', async () => {
  const rig = await startRig();
  rig.worker.answer = () => undefined;
  const id = await rig.accept();
  const again = await rig.killed();
  await turns();
  await again.worker.report(id, 'delivered');
  await again.pass(10_000);
  expect(again.worker.taken).toHaveLength(1);
  expect(live(again)).toBe(0);
});

test('what no worker claims after a takeover is sent', async () => {
  const rig = await startRig();
  rig.trust(false);
  const id = await rig.accept();
  const again = await rig.killed();
  await again.pass(6_000);
  expect(again.worker.taken).toMatchObject([{ id }]);
  expect(live(again)).toBe(0);
});

test('what the owner before left open counts for the limit until it has ended', async () => {
  const rig = await startRig({ config: { outbound: { channels_per_site: 3 } } });
  rig.worker.answer = () => undefined;
  for (let n = 0; n < 40; n++) await rig.accept();
  expect(rig.worker.channels()).toBe(3);
  const before = [...rig.worker.taken];
  const again = await rig.killed();
  for (let n = 0; n < 40; n++) await again.accept();
  for (let second = 0; second < 20; second++) {
    await again.pass(1_000);
    expect(again.worker.channels()).toBeLessThanOrEqual(3);
  }
  for (const { id } of before) await again.worker.report(id, 'delivered');
  again.worker.answer = () => 'delivered';
  for (let second = 0; second < 20; second++) {
    await again.pass(1_000);
    expect(again.worker.channels()).toBeLessThanOrEqual(3);
    const idle = again.worker.taken.slice(before.length).filter(({ id }) => inFlight(again, id));
    for (const { id } of idle) await again.worker.report(id, 'delivered');
  }
  expect(live(again)).toBe(0);
});

test('a mail that kills its worker each time is held after three, and those beside it are delivered', async () => {
  const rig = await startRig();
  rig.worker.answer = () => undefined;
  const killer = await rig.accept();
  const beside = await rig.accept();
  let at: Rig = rig;
  const workers = [rig.worker];
  const deadly = () =>
    workers.some(({ taken }, n) => n === workers.length - 1 && taken.some(({ id }) => id === killer));
  for (let deaths = 0; deaths < 3; deaths++) {
    while (!deadly()) await at.pass(1_000);
    await at.worker.kill();
    const worker = await fakeWorker(rig.bus, `worker-${deaths + 2}`);
    worker.answer = ({ id }) => (id === killer ? undefined : 'delivered');
    workers.push(worker);
    at = { ...at, worker };
    await at.pass(10_000);
  }
  await at.pass(hour);
  expect(at.events('held')).toMatchObject([
    { mail: killer, reason: '3 attempts in a row ended with unknown outcome' },
  ]);
  expect(workers.slice(1).flatMap(({ taken }) => taken.filter(({ id }) => id === beside))).toHaveLength(1);
  // Alone on its channel, so that nothing else was in its hands.
  const alone = workers.slice(1).flatMap(({ taken }) => taken.filter(({ id }) => id === killer));
  for (const { channel } of alone)
    expect(workers.flatMap(({ taken }) => taken).filter((job) => job.channel === channel)).toHaveLength(1);
  expect(live(rig)).toBe(1);
});

test('drain: results of what is in flight are written, nothing new goes out', async () => {
  const rig = await startRig();
  rig.worker.answer = () => undefined;
  const id = await rig.accept();
  const drained = rig.queue.drain(5_000);
  await rig.accept();
  await rig.worker.report(id, 'delivered');
  await rig.pass(100);
  await drained;
  expect(rig.worker.taken).toHaveLength(1);
  expect(live(rig)).toBeLessThanOrEqual(1);
});
