import { manualClock } from '@postrider/actor';
import { describe, expect, it } from 'vitest';
import { DeadlineExceeded, MailboxFull, NobodyAnswers, RemoteFault } from './errors.js';
import { memoryBus } from './memory-bus.js';
import { drawer, store, storeBehaviour, type Waiters } from './store.fixture.js';
import type { Watched } from './watch.js';

const located = { domain: 'a.test', result: 'temporary', exchangers: [], ms: 1 };

describe('the bus in memory', () => {
  it('answers as the bus over NATS does', async () => {
    const bus = memoryBus();
    const pool = await bus.host(store, storeBehaviour('pool'));
    await bus.host(drawer, storeBehaviour('keyed'), { key: 'k1' });
    expect(await bus.ref(store).ask('who', {}, { trace: ' t' })).toEqual({
      name: 'pool',
      asker: 'memory-1 t',
    });
    expect(await bus.ref(drawer, 'k1').ask('who', {})).toMatchObject({ name: 'keyed' });
    await expect(bus.ref(drawer, 'k2').ask('who', {})).rejects.toBeInstanceOf(NobodyAnswers);
    await expect(bus.ref(store).ask('fail', { text: 'broken' })).rejects.toBeInstanceOf(RemoteFault);
    bus.ref(store).tell('note', 7);
    bus.ref(drawer, 'k2').tell('note', 7);
    expect(await bus.ref(store).ask('count', {})).toEqual({ notes: [7] });
    pool.pause();
    await expect(bus.ref(store).ask('who', {})).rejects.toBeInstanceOf(NobodyAnswers);
    pool.resume();
    expect(await bus.ref(store).ask('count', {})).toEqual({ notes: [7] });
    await pool.stop();
    await expect(bus.ref(store).ask('who', {})).rejects.toBeInstanceOf(NobodyAnswers);
  });

  it('has deadlines and mailboxes, by the clock it is given', async () => {
    const clock = manualClock();
    const bus = memoryBus('spec', clock);
    const waiters: Waiters = [];
    await bus.host(store, storeBehaviour('pool', waiters), { mailbox: 1 });
    const late = bus
      .ref(store)
      .ask('wait', {})
      .catch((error: unknown) => error);
    const next = bus.ref(store).ask('who', {}, { deadline: 60_000 });
    await expect(bus.ref(store).ask('who', {})).rejects.toBeInstanceOf(MailboxFull);
    await clock.advance(2_025);
    expect(await late).toBeInstanceOf(DeadlineExceeded);
    waiters[0]!('on');
    expect(await next).toMatchObject({ name: 'pool' });
  });

  it('lets an actor end by its own will', async () => {
    const bus = memoryBus();
    await bus.host(drawer, storeBehaviour('one'), { key: 'k1' });
    await expect(bus.ref(drawer, 'k1').ask('fail', { text: 'stop' })).rejects.toThrow('stop');
    await expect(bus.ref(drawer, 'k1').ask('who', {})).rejects.toBeInstanceOf(NobodyAnswers);
    await bus.host(drawer, storeBehaviour('two'), { key: 'k1' });
    expect(await bus.ref(drawer, 'k1').ask('who', {})).toMatchObject({ name: 'two' });
  });

  it('says what a behaviour throws at its start', async () => {
    const bus = memoryBus();
    const broken = (): never => {
      throw new Error('no table');
    };
    await expect(bus.host(store, broken)).rejects.toThrow('no table');
    await bus.host(store, storeBehaviour('pool'));
  });

  it('keeps events and gauges for the test', async () => {
    const clock = manualClock(Date.UTC(2026, 0, 2));
    const bus = memoryBus('spec', clock);
    await bus.prepareEvents(1);
    bus.publishEvent('dns-resolver', 'located', located, { id: 'fact-1' });
    await clock.advance(1000);
    bus.publishEvent('queue-manager', 'released', { mail: '0123456789bcdfghjk' });
    bus.publishStatus('dns-resolver', { cached: 3 });
    expect(bus.events.map(({ id, event, at }) => [id.length > 0, event, at])).toEqual([
      [true, 'located', '2026-01-02T00:00:00.000Z'],
      [true, 'released', '2026-01-02T00:00:01.000Z'],
    ]);
    expect(bus.gauges.get('dns-resolver')).toMatchObject({ instance: 'spec', cached: 3 });
    const read = async (since: number, subject?: string): Promise<string[]> => {
      const all: string[] = [];
      for await (const { event } of bus.storedEvents({
        since,
        ...(subject === undefined ? {} : { subject }),
      }))
        all.push(event);
      return all;
    };
    expect(await read(0)).toEqual(['located', 'released']);
    expect(await read(Date.UTC(2026, 0, 2) + 1)).toEqual(['released']);
    expect(await read(0, 'mta.events.dns-resolver.*')).toEqual(['located']);
  });

  it('shows what is published to who watches, until it is stopped', async () => {
    const bus = memoryBus();
    const watched = bus.watch('mta.events.dns-resolver.>');
    const seen: Watched[] = [];
    const reading = (async () => {
      for await (const one of watched) if (seen.push(one) === 2) watched.stop();
    })();
    bus.publishStatus('dns-resolver', {});
    for (const id of ['1', '2', '3']) bus.publishEvent('dns-resolver', 'located', located, { id });
    await reading;
    expect(seen).toMatchObject([{ value: { id: '1' } }, { value: { id: '2' } }]);
  });

  it('stops what it hosts when it is closed', async () => {
    const bus = memoryBus();
    const waiters: Waiters = [];
    await bus.host(store, storeBehaviour('pool', waiters));
    const asked = bus.ref(store).ask('wait', {});
    const closing = bus.close();
    waiters[0]!('done');
    await closing;
    expect(await asked).toBe('done');
    await expect(bus.ref(store).ask('who', {})).rejects.toBeInstanceOf(NobodyAnswers);
  });
});
