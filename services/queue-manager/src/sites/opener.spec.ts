import { shard as shardProtocol } from '@postrider/protocol';
import { expect, test, vi } from 'vitest';
import { startRig, turns } from '../rig/rig.js';

const site = 'smtp://192.0.2.1:25';
const other = { site, shard: '1', epoch: 1, holding: 0, want: 20 };

test('a shard that was granted less than it wants does not ask again for each mail', async () => {
  const rig = await startRig();
  rig.worker.answer = () => undefined;
  await rig.bus.ref(shardProtocol, '0').ask('grant', { ...other, holding: 20 });
  const asked = vi.spyOn(rig.queue.limit, 'asked');
  for (let n = 0; n < 30; n++) await rig.accept();
  expect(rig.worker.opened).toHaveLength(0);
  expect(asked.mock.calls.length).toBeLessThanOrEqual(2);
  await rig.bus.ref(shardProtocol, '0').ask('grant', { ...other, want: 0 });
  await rig.pass(1_000);
  expect(rig.worker.opened.length).toBeGreaterThan(0);
});

test('one that has more than its share gives some back within a second of another wanting it', async () => {
  // Of two, so that all of the limit is more than a share; the site hashes to this one.
  const rig = await startRig({ shards: ['0', '0'] });
  rig.worker.answer = () => undefined;
  for (let n = 0; n < 100; n++) await rig.accept();
  await turns();
  expect(rig.worker.opened.length).toBeGreaterThan(10);
  const wanted = await rig.bus.ref(shardProtocol, '0').ask('grant', other);
  expect(wanted.channels).toBe(0);
  await rig.clock.advance(1_000);
  await turns();
  const open = [...(rig.queue.sites.get(site)?.channels ?? [])].filter(({ closing }) => !closing);
  expect(open).toHaveLength(10);
});

test('with an answer lost no more is opened than the question said to be held: others may have been given the rest', async () => {
  const rig = await startRig();
  rig.worker.answer = () => undefined;
  await rig.accept();
  await turns();
  expect(rig.worker.opened).toHaveLength(1);
  Object.assign(rig.queue.sites.get(site)?.grant ?? {}, { channels: 20, ample: true });
  vi.spyOn(rig.queue.limit, 'asked').mockImplementation(() => new Promise(() => undefined));
  await rig.clock.advance(1_000);
  await turns();
  for (let n = 0; n < 40; n++) await rig.accept();
  expect(rig.worker.opened).toHaveLength(1);
});
