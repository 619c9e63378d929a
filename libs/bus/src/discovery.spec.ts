import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectNats, startNatsServer, type RunningServer } from '@postrider/nats-server';
import { RequestStrategy, type NatsConnection, type ServiceClient } from 'nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bus, Hosted } from './bus.js';
import { connectBus } from './nats-bus.js';
import { drawer, store, storeBehaviour } from './store.fixture.js';

const storeDir = mkdtempSync(join(tmpdir(), 'postrider-bus-'));
let server: RunningServer;
let one: Bus;
let two: Bus;
let pooled: Hosted;
let nats: NatsConnection;
/** The nats package's own view of services: any NATS micro tool. */
let tool: ServiceClient;

beforeAll(async () => {
  server = await startNatsServer({ storeDir });
  const options = { address: server.address, name: 'spec', version: '1.2.3' };
  [one, two] = await Promise.all([connectBus(options), connectBus(options)]);
  nats = await connectNats(server.address, 'tool');
  tool = nats.services.client({ strategy: RequestStrategy.Timer, maxWait: 300 });
  pooled = await one.host(store, storeBehaviour('one'));
  await two.host(store, storeBehaviour('two'));
  for (const key of ['k1', 'k2']) await two.host(drawer, storeBehaviour(key), { key });
});
afterAll(async () => {
  await Promise.all([one.close(), two.close()]);
  await nats.close();
  await server.stop();
  rmSync(storeDir, { recursive: true });
});

async function collect<T>(values: Promise<AsyncIterable<T>>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of await values) all.push(value);
  return all;
}

describe('$SRV', () => {
  it('PING finds each protocol in each process', async () => {
    const found = await collect(tool.ping());
    expect(new Set(found.map(({ name, id }) => `${name} ${id}`))).toEqual(
      new Set([
        `postrider-store ${one.instance}`,
        `postrider-store ${two.instance}`,
        `postrider-drawer ${two.instance}`,
      ]),
    );
    expect(found).toHaveLength(3);
    expect(found[0]).toMatchObject({ type: 'io.nats.micro.v1.ping_response', version: '1.2.3' });
  });

  it('PING finds by name, and by name and id', async () => {
    expect(await collect(tool.ping('postrider-store'))).toHaveLength(2);
    expect(await collect(tool.ping('postrider-store', two.instance))).toMatchObject([{ id: two.instance }]);
    expect(await collect(tool.ping('postrider-drawer', two.instance))).toMatchObject([
      { name: 'postrider-drawer' },
    ]);
  });

  it('INFO shows an endpoint a message', async () => {
    const [info] = await collect(tool.info('postrider-store', one.instance));
    expect(info).toMatchObject({ type: 'io.nats.micro.v1.info_response', description: 'Postrider store' });
    expect(info!.endpoints.map(({ subject }) => subject)).toEqual(
      Object.keys(store.messages).map((message) => `mta.v1.store.${message}`),
    );
    expect(new Set(info!.endpoints.map(({ queue_group }) => queue_group))).toEqual(new Set(['store']));
    const [keyed] = await collect(tool.info('postrider-drawer'));
    expect(keyed!.endpoints[0]).toMatchObject({
      name: 'put',
      subject: 'mta.v1.drawer.*.put',
      queue_group: '',
    });
  });

  it('STATS counts requests and faults, here and from elsewhere', async () => {
    for (let i = 0; i < 3; i++) await two.ref(drawer, 'k1').ask('who', {});
    await one.ref(drawer, 'k2').ask('who', {});
    await expect(one.ref(drawer, 'k2').ask('fail', { text: 'broken' })).rejects.toThrow();
    const [stats] = await collect(tool.stats('postrider-drawer'));
    expect(stats).toMatchObject({ type: 'io.nats.micro.v1.stats_response', id: two.instance });
    expect(Date.parse(stats!.started)).toBeLessThanOrEqual(Date.now());
    const of = (message: string) => stats!.endpoints!.find(({ name }) => name === message)!;
    expect(of('who')).toMatchObject({ num_requests: 4, num_errors: 0 });
    expect(of('fail')).toMatchObject({ num_requests: 1, num_errors: 1, last_error: 'broken' });
    expect(of('who').average_processing_time).toBeTypeOf('number');
    expect(of('who').data).toEqual({ actors: 2, paused: 0, waiting: 0, keys: ['k1', 'k2'] });
  });

  it('finds a paused member, and says that it is', async () => {
    pooled.pause();
    const [stats] = await collect(tool.stats('postrider-store', one.instance));
    expect(stats!.endpoints![0]!.data).toMatchObject({ actors: 1, paused: 1 });
    pooled.resume();
  });

  it('finds no more what has stopped', async () => {
    await pooled.stop();
    expect(await collect(tool.ping('postrider-store'))).toMatchObject([{ id: two.instance }]);
  });

  it('does not answer what it does not know', async () => {
    const asked = nats.request('$SRV.SCHEMA', '', { timeout: 100 });
    await expect(asked).rejects.toThrow('TIMEOUT');
  });
});
