import { manualClock, type ManualClock } from '@postrider/actor';
import { memoryBus, type MemoryBus } from '@postrider/bus';
import { serviceNames } from '@postrider/protocol';
import { configSchema, type Page, type RunningService, type ServiceContext } from '@postrider/runtime';
import { memorySpool } from '@postrider/spool';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { service } from './index.js';

let bus: MemoryBus;
let clock: ManualClock;
let admin: RunningService;

function context(): ServiceContext {
  const log = { debug: ignore, info: ignore, warn: ignore, error: ignore, child: () => log };
  return {
    config: configSchema.parse({}),
    bus,
    spool: memorySpool({}),
    clock,
    log,
    fatal: (fault) => {
      throw fault as Error;
    },
  };
}
const ignore = (): void => undefined;

beforeEach(async () => {
  bus = memoryBus('spec-1');
  clock = manualClock();
  admin = await service.start(context());
});
afterEach(() => admin.drain());

async function get(path: string): Promise<Page | undefined> {
  // The watch hands gauges on in a turn of its own.
  await new Promise((resolve) => setImmediate(resolve));
  return admin.page?.(path);
}

test('ready once all five services were heard of, and no more when one is silent', async () => {
  expect(await get('/readyz')).toEqual({ status: 503, body: { ready: false, missing: serviceNames } });
  for (const name of serviceNames) bus.publishStatus(name, { ready: name !== 'dns-resolver' });
  expect((await get('/readyz'))?.body).toEqual({ ready: false, missing: ['dns-resolver'] });
  bus.publishStatus('dns-resolver', { ready: true });
  expect(await get('/readyz')).toEqual({ status: 200, body: { ready: true, missing: [] } });
  await clock.advance(4_000);
  for (const name of serviceNames.slice(1)) bus.publishStatus(name, { ready: true });
  await get('/livez');
  await clock.advance(2_000);
  expect((await get('/readyz'))?.body).toEqual({ ready: false, missing: [serviceNames[0]] });
});

test('the latest gauge of each instance', async () => {
  bus.publishStatus('queue-manager', { ready: true, active: 1 });
  bus.publishStatus('queue-manager', { ready: true, active: 2 });
  expect((await get('/status'))?.body).toMatchObject([
    { service: 'queue-manager', instance: 'spec-1', active: 2 },
  ]);
});

test('metrics of the whole system, each series with its process', async () => {
  bus.publishStatus('queue-manager', { shards: { '0': { active: 4, deferred: 2 } } });
  bus.publishStatus('smtp-ingress', { accepted: 9 });
  const page = await get('/metrics');
  expect(page?.body).toContain(
    'postrider_queue_mails{service="queue-manager",process="spec-1",shard="0",state="active"} 4\n',
  );
  expect(page?.body).toContain('postrider_mails_accepted_total{service="smtp-ingress",process="spec-1"} 9\n');
});

test('other paths are left to the process', async () => {
  expect(await get('/livez')).toBeUndefined();
});
