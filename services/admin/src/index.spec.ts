import { once } from 'node:events';
import { createServer } from 'node:net';
import { manualClock, type ManualClock } from '@postrider/actor';
import { memoryBus, type MemoryBus } from '@postrider/bus';
import { serviceNames } from '@postrider/protocol';
import { configSchema, StartError, type RunningService, type ServiceContext } from '@postrider/runtime';
import { memorySpool } from '@postrider/spool';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { service } from './index.js';

let bus: MemoryBus;
let clock: ManualClock;
let admin: RunningService;

function context(listen: string): ServiceContext {
  const log = { debug: ignore, info: ignore, warn: ignore, error: ignore, child: () => log };
  return {
    config: configSchema.parse({ http: { listen } }),
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
  admin = await service.start(context('127.0.0.1:0'));
});
afterEach(() => admin.drain());

async function get(path: string): Promise<{ readonly status: number; readonly body: unknown }> {
  const address = admin.listening?.[0]?.replace('http ', '') ?? '';
  const response = await fetch(`http://${address}${path}`);
  return { status: response.status, body: await response.json() };
}

test('alive, whatever the others do', async () => {
  expect(await get('/livez')).toEqual({ status: 200, body: { live: true } });
});

test('ready once all five services were heard of, and no more when one is silent', async () => {
  expect(await get('/readyz')).toEqual({ status: 503, body: { ready: false, missing: serviceNames } });
  for (const name of serviceNames) bus.publishStatus(name, { ready: name !== 'dns-resolver' });
  expect((await get('/readyz')).body).toEqual({ ready: false, missing: ['dns-resolver'] });
  bus.publishStatus('dns-resolver', { ready: true });
  expect(await get('/readyz')).toEqual({ status: 200, body: { ready: true, missing: [] } });
  await clock.advance(4_000);
  for (const name of serviceNames.slice(1)) bus.publishStatus(name, { ready: true });
  await get('/livez');
  await clock.advance(2_000);
  expect((await get('/readyz')).body).toEqual({ ready: false, missing: [serviceNames[0]] });
});

test('the latest gauge of each instance', async () => {
  bus.publishStatus('queue-manager', { ready: true, active: 1 });
  bus.publishStatus('queue-manager', { ready: true, active: 2 });
  const { body } = await get('/status');
  expect(body).toMatchObject([{ service: 'queue-manager', instance: 'spec-1', active: 2 }]);
});

test('other paths', async () => {
  expect((await get('/metrics')).status).toBe(404);
});

test('a port that is taken', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  const start = service.start(context(`127.0.0.1:${port}`));
  await expect(start).rejects.toThrow(StartError);
  await expect(start).rejects.toThrow(`http.listen: 127.0.0.1:${port} is taken by another program`);
  other.close();
});

test('switched off it still follows the gauges', async () => {
  const silent = await service.start(context(''));
  expect(silent.listening).toEqual([]);
  await silent.drain();
});
