import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectNats, startNatsServer, type RunningServer } from '@postrider/nats-server';
import type { EventRecord } from '@postrider/protocol';
import type { NatsConnection } from 'nats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bus } from './bus.js';
import { connectBus } from './nats-bus.js';
import type { Watched } from './watch.js';

const storeDir = mkdtempSync(join(tmpdir(), 'postrider-bus-'));
const room = 4 * 1024 * 1024;
let server: RunningServer;
let bus: Bus;
/** Any NATS client. */
let client: NatsConnection;

beforeAll(async () => {
  server = await startNatsServer({ storeDir });
  bus = await connectBus({ address: server.address, name: 'spec', version: '0.1.0' });
  client = await connectNats(server.address, 'client');
});
afterAll(async () => {
  await bus.close();
  await client.close();
  await server.stop();
  rmSync(storeDir, { recursive: true });
});

const located = (domain: string) => ({ domain, result: 'exchangers', exchangers: ['mx.a.test'], ms: 3 });
const publish = (domain: string, options?: { id?: string; at?: number }): void =>
  bus.publishEvent('dns-resolver', 'located', located(domain), options);

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** All of it is in the stream: a publish of a stream that answers nothing is known by its count. */
async function stored(count: number): Promise<void> {
  const manager = await client.jetstreamManager();
  while ((await manager.streams.info('EVENTS')).state.last_seq < count)
    await new Promise((resolve) => setTimeout(resolve, 10));
}

describe('events', () => {
  it('are none where they are not kept', async () => {
    expect(await collect(bus.storedEvents({ since: 0 }))).toEqual([]);
  });

  it('are JSON on their subject for any client, common fields first', async () => {
    const subscription = client.subscribe('mta.events.>', { max: 2 });
    await client.flush();
    publish('a.test', { id: 'fact-1', at: Date.UTC(2026, 0, 2) });
    publish('b.test');
    const [first, second] = await collect(subscription);
    expect(first!.subject).toBe('mta.events.dns-resolver.located');
    expect(first!.string()).toBe(
      `{"id":"fact-1","at":"2026-01-02T00:00:00.000Z","service":"dns-resolver","instance":"${bus.instance}",` +
        '"event":"located","domain":"a.test","result":"exchangers","exchangers":["mx.a.test"],"ms":3}',
    );
    expect(second!.json<EventRecord>().id).toMatch(/^[0-9a-f]{12}-[0-9a-z]+$/);
  });

  it('are kept in a bounded stream and read back in order, up to now', async () => {
    await Promise.all([bus.prepareEvents(room), bus.prepareEvents(room)]);
    await bus.prepareEvents(room);
    const since = Date.now();
    for (let i = 0; i < 2500; i++) publish(`d${i}.test`);
    bus.publishEvent('queue-manager', 'released', { mail: '0123456789bcdfghjk' });
    await stored(2501);
    const events = await collect(bus.storedEvents({ since }));
    expect(events).toHaveLength(2501);
    expect(events.slice(0, 2500).map(({ domain }) => domain)).toEqual(
      Array.from({ length: 2500 }, (_, i) => `d${i}.test`),
    );
    const some = await collect(bus.storedEvents({ since, subject: 'mta.events.queue-manager.>' }));
    expect(some).toMatchObject([{ event: 'released', mail: '0123456789bcdfghjk' }]);
    expect(await collect(bus.storedEvents({ since: Date.now() + 60_000 }))).toEqual([]);
  });

  it('leave no consumer behind, also when the reader stops early', async () => {
    const events = bus.storedEvents({ since: 0 })[Symbol.asyncIterator]();
    expect((await events.next()).value).toMatchObject({ event: 'located' });
    await events.return?.();
    const manager = await client.jetstreamManager();
    expect((await manager.streams.info('EVENTS')).state.consumer_count).toBe(0);
  });

  it('pass over what is no event of ours', async () => {
    const since = Date.now();
    client.publish('mta.events.other.thing', 'no JSON');
    client.publish('mta.events.other.thing', '{"id":"x"}');
    await stored(2503);
    expect(await collect(bus.storedEvents({ since, subject: 'mta.events.other.>' }))).toEqual([{ id: 'x' }]);
  });

  it('that are old give way to new ones', async () => {
    const manager = await client.jetstreamManager();
    const { config } = await manager.streams.info('EVENTS');
    expect(config).toMatchObject({
      subjects: ['mta.events.>'],
      discard: 'old',
      storage: 'file',
      max_bytes: room,
      persist_mode: 'async',
    });
    for (let i = 0; i < 20; i++) publish('x'.repeat(500_000));
    await stored(2523);
    const { state } = await manager.streams.info('EVENTS');
    expect(state.bytes).toBeLessThanOrEqual(room);
    expect(state.last_seq).toBe(2523);
    const kept = await collect(bus.storedEvents({ since: 0 }));
    expect(kept).toHaveLength(state.messages);
  });

  it('are not lost when NATS is away for a moment', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'postrider-bus-'));
    const first = await startNatsServer({ storeDir: dir });
    const here = await connectBus({ address: first.address, name: 'here', version: '0.1.0' });
    await here.prepareEvents(room);
    const ids = Array.from({ length: 110 }, (_, n) => String(n));
    const tell = (from: number, to: number): void => {
      for (const id of ids.slice(from, to))
        here.publishEvent('queue-manager', 'released', { mail: '0' }, { id });
    };
    first.kill();
    tell(0, 50);
    await until(() => !here.connected);
    tell(50, 100);
    const again = await startNatsServer({ storeDir: dir, port: first.port });
    await until(() => here.connected);
    tell(100, 110);
    const last = ids.at(-1);
    let told: readonly string[] = [];
    while (!told.includes(last ?? ''))
      told = (await collect(here.storedEvents({ since: 0 }))).map(({ id }) => id);
    expect([...new Set(told)]).toEqual(ids);
    expect(here.status('queue-manager', {})).toMatchObject({ eventsDropped: 0 });
    await here.close();
    await again.stop();
    rmSync(dir, { recursive: true });
  });

  it('never throw: what is too large or no JSON is dropped and counted', async () => {
    const subscription = client.subscribe('mta.status.dns-resolver.*', { max: 1 });
    await client.flush();
    publish('x'.repeat(2_000_000));
    bus.publishEvent('dns-resolver', 'located', { ...located('a.test'), ms: 3n as unknown as number });
    bus.publishStatus('dns-resolver', {});
    expect((await collect(subscription))[0]!.json()).toMatchObject({ eventsDropped: 2 });
  });
});

describe('a gauge', () => {
  it('is JSON on its subject, with what the service says of itself', async () => {
    const subscription = client.subscribe('mta.status.>', { max: 2 });
    await client.flush();
    bus.publishStatus('dns-resolver', { cached: 17 });
    bus.publishStatus('dns-resolver', { ready: false });
    const [first, second] = await collect(subscription);
    expect(first!.subject).toBe(`mta.status.dns-resolver.${bus.instance}`);
    const record = first!.json<Record<string, unknown>>();
    expect(record).toMatchObject({
      service: 'dns-resolver',
      instance: bus.instance,
      version: '0.1.0',
      cached: 17,
    });
    expect(record).toMatchObject({ ready: true });
    expect(second!.json()).toMatchObject({ ready: false });
    for (const figure of ['uptimeInSeconds', 'memoryInOctets', 'eventLoopLagInMilliseconds'])
      expect(record[figure]).toBeTypeOf('number');
  });
});

describe('watch', () => {
  it('shows what is published from now on, until it is stopped', async () => {
    const watched = bus.watch('mta.events.dns-resolver.*');
    const seen: Watched[] = [];
    const reading = (async () => {
      for await (const one of watched) if (seen.push(one) === 2) watched.stop();
    })();
    client.publish('mta.events.dns-resolver.located', 'no JSON');
    await client.flush();
    publish('a.test', { id: '1' });
    publish('b.test', { id: '2' });
    publish('c.test', { id: '3' });
    await reading;
    expect(seen.map(({ subject }) => subject)).toEqual(Array(2).fill('mta.events.dns-resolver.located'));
    expect(seen.map(({ value }) => (value as EventRecord).id)).toEqual(['1', '2']);
  });
});
