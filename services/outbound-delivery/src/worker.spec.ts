import { manualClock, systemClock, type Clock } from '@postrider/actor';
import { memoryBus, type MemoryBus } from '@postrider/bus';
import {
  channel as channelProtocol,
  outboundDelivery,
  shard as shardProtocol,
  times,
  worker as workerProtocol,
  type ChannelReport,
  type Destination,
  type Job,
} from '@postrider/protocol';
import { configSchema, type Logger } from '@postrider/runtime';
import { memorySpool, MemoryStore } from '@postrider/spool';
import { freePort, startSink, tempFolder, waitFor, type Sink, type SinkOptions } from '@postrider/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { jobOf, shown } from './job.fixture.js';
import { Worker } from './worker.js';

const stops: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};

interface Beat {
  readonly worker: string;
  readonly channels: readonly { readonly channel: string; readonly ids: readonly string[] }[];
}

interface Rig {
  readonly bus: MemoryBus;
  readonly worker: Worker;
  readonly reports: ChannelReport[];
  readonly beats: Beat[];
  /** Whether the owner says 'written'. */
  writing: boolean;
  /** Whether the owner notes beats. */
  noting: boolean;
  readonly results: () => Readonly<Record<string, readonly string[]>>;
  readonly ends: () => readonly string[];
  readonly open: (destination: Destination, epoch?: number) => Promise<string>;
  readonly give: (channel: string, jobs: readonly Job[], epoch?: number) => Promise<string>;
}

async function start(config: Record<string, unknown> = {}, clock: Clock = systemClock): Promise<Rig> {
  const bus = memoryBus('worker-1', clock);
  const spool = memorySpool({ store: new MemoryStore(), clock });
  const context = {
    config: configSchema.parse({ hostname: 'me.example', ...config }),
    bus,
    spool,
    clock,
    log: silent,
    fatal: (fault: unknown) => {
      throw fault;
    },
  };
  const worker = new Worker(context);
  await worker.start();
  const reports: ChannelReport[] = [];
  const beats: Beat[] = [];
  const rig: Rig = {
    bus,
    worker,
    reports,
    beats,
    writing: true,
    noting: true,
    results: () =>
      Object.fromEntries(
        reports.flatMap(({ results }) => results.map((one) => [one.id, shown(one.outcomes)])),
      ),
    ends: () => reports.flatMap(({ ended }) => (ended ? [ended.reason] : [])),
    open: async (destination, epoch = 1) => {
      const answer = await bus
        .ref(outboundDelivery)
        .ask('open', { site: 'dest.test', destination, shard: '0', epoch });
      return answer.result === 'opened' ? answer.channel : answer.text;
    },
    give: async (channel, jobs, epoch = 1) => {
      const answer = await bus.ref(channelProtocol, channel).ask('jobs', { shard: '0', epoch, jobs });
      return answer.result === 'taken' ? 'taken' : answer.text;
    },
  };
  const handlers: Record<string, unknown> = {
    report: (report: ChannelReport) => {
      reports.push(report);
      return { result: rig.writing ? 'written' : 'not-owner' };
    },
    beat: (beat: Beat) => {
      beats.push(beat);
      return { result: rig.noting ? 'noted' : 'not-owner' };
    },
  };
  await bus.host(shardProtocol, () => ({ handlers: handlers as never }), { key: '0' });
  stops.push(() => bus.close());
  return rig;
}

async function sinkWith(options: SinkOptions = {}): Promise<{ sink: Sink; destination: Destination }> {
  const sink = await startSink(options);
  stops.push(() => sink.stop());
  return { sink, destination: smtpTo(sink.port) };
}

const smtpTo = (port: number): Destination => ({
  kind: 'smtp',
  nextHops: [{ host: 'mx.dest.test', preference: 0, port, addresses: ['127.0.0.1'] }],
});
const soon = (what: string, condition: () => boolean | Promise<boolean>): Promise<boolean> =>
  waitFor(condition, 10_000, what);
const discard: Destination = { kind: 'discard' };

describe('a channel', () => {
  it('relays what it is given, reports it, and tells events', async () => {
    const { sink, destination } = await sinkWith();
    const { open, give, results, bus } = await start();
    const channel = await open(destination);
    expect(await give(channel, [jobOf('a'), jobOf('b')])).toBe('taken');
    await soon('both results', () => Object.keys(results()).length === 2);
    expect(results()).toEqual({
      a: ['0 relayed 2.0.0 250 2.0.0 Ok: taken'],
      b: ['0 relayed 2.0.0 250 2.0.0 Ok: taken'],
    });
    expect(sink.count()).toBe(2);
    expect(bus.events).toMatchObject([
      {
        service: 'outbound-delivery',
        event: 'relayed',
        mail: 'a',
        id: 'a:relayed:1:0',
        recipients: ['you@dest.test'],
        site: 'dest.test',
        channel,
      },
      { event: 'relayed', mail: 'b' },
    ]);
  });

  it('that finds nobody gives back what it took, and says so once', async () => {
    const port = await freePort();
    const { open, give, results, ends, bus } = await start();
    const channel = await open(smtpTo(port));
    await give(channel, [jobOf('a')]);
    await soon('the end', () => ends().length > 0);
    expect(ends()).toEqual(['site-temporary']);
    expect(results().a).toEqual(['0 untried 4.3.2 the channel ended before its turn']);
    expect(bus.events.map(({ event }) => event)).toEqual(['channel_failed']);
    await soon('nobody to answer', () =>
      bus
        .ref(channelProtocol, channel)
        .ask('holds', { epoch: 1 })
        .then(
          () => false,
          () => true,
        ),
    );
  });

  it('takes a job that comes twice once', async () => {
    const { sink, destination } = await sinkWith({ rules: { '*': [{ at: 'connect', delay: 50 }] } });
    const { open, give, results } = await start();
    const channel = await open(destination);
    await Promise.all([give(channel, [jobOf('a')]), give(channel, [jobOf('a')])]);
    await soon('the result', () => 'a' in results());
    expect(sink.count()).toBe(1);
  });

  it('takes no more than it may hold', async () => {
    const { destination } = await sinkWith({ rules: { '*': [{ at: 'connect', delay: 200 }] } });
    const { open, give } = await start();
    const channel = await open(destination);
    const content = Buffer.alloc(1024 * 1024, 'x');
    expect(await give(channel, [jobOf('a', { content }), jobOf('b', { content })])).toBe('taken');
    expect(await give(channel, [jobOf('c')])).toBe(`the channel holds ${2 * 1024 * 1024} octets`);
  });

  it('finishes what it holds when it is closed', async () => {
    const { sink, destination } = await sinkWith();
    const { open, give, ends, results, bus } = await start();
    const channel = await open(destination);
    await give(channel, [jobOf('a'), jobOf('b')]);
    bus.ref(channelProtocol, channel).tell('close', { epoch: 1 });
    expect(await give(channel, [jobOf('c')])).toBe('the channel is closing');
    await soon('the end', () => ends().length > 0);
    expect(ends()).toEqual(['closed']);
    expect(Object.keys(results())).toEqual(['a', 'b']);
    expect(sink.count()).toBe(2);
  });

  it('names what it holds until that is written', async () => {
    const clock = manualClock();
    const rig = await start({}, clock);
    rig.writing = false;
    const channel = await rig.open(discard);
    await rig.give(channel, [jobOf('a')]);
    await soon('a report', () => rig.reports.length > 0);
    const holds = () => rig.bus.ref(channelProtocol, channel).ask('holds', { epoch: 1 });
    expect(await holds()).toEqual({ ids: ['a'] });
    await clock.advance(times.beat);
    expect(rig.beats.at(-1)).toEqual({
      worker: 'worker-1',
      channels: [{ channel, ids: ['a'], site: 'dest.test', epoch: 1 }],
    });
    rig.writing = true;
    await clock.advance(times.resultRepeated);
    await soon('the repeated report', () => rig.reports.length > 1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(await holds()).toEqual({ ids: [] });
  });
});

describe('a channel without jobs', () => {
  it('does not connect, and ends when none have come for a while', async () => {
    const clock = manualClock();
    const { sink, destination } = await sinkWith();
    const { open, ends } = await start({}, clock);
    await open(destination);
    await clock.advance(times.channelIdle);
    await soon('the end', () => ends().length > 0);
    expect(ends()).toEqual(['idle']);
    expect(sink.connections().all).toBe(0);
  });
});

describe('epochs', () => {
  it('below the highest seen are refused', async () => {
    const { open, give } = await start();
    const channel = await open(discard, 5);
    expect(await open(discard, 4)).toBe('epoch 4 is over');
    expect(await give(channel, [jobOf('a')], 4)).toBe('epoch 4 is over');
  });

  it('that are new end the channels of older ones: queued jobs go back', async () => {
    const { sink, destination } = await sinkWith({ rules: { '*': [{ at: 'connect', delay: 300 }] } });
    const { open, give, results, ends } = await start();
    const channel = await open(destination, 1);
    await give(channel, [jobOf('a')]);
    await open(discard, 2);
    await soon('the end', () => ends().length > 0);
    expect(ends()).toEqual(['epoch']);
    expect(results().a?.[0]).toContain('0 untried');
    expect(sink.count()).toBe(0);
  });
});

describe('a new owner who asks', () => {
  it('is told what is held for its shard, and that of older owners ends', async () => {
    const { destination } = await sinkWith({ rules: { '*': [{ at: 'dot', delay: 300 }] } });
    const { open, give, bus, ends } = await start();
    const channel = await open(destination, 1);
    await give(channel, [jobOf('a'), jobOf('b')]);
    const holds = (shard: string, epoch: number) =>
      bus.ref(workerProtocol, bus.instance).ask('holds', { shard, epoch });
    expect(await holds('0', 2)).toEqual({
      channels: [{ channel, ids: ['a', 'b'], site: 'dest.test', epoch: 1 }],
    });
    expect(await holds('1', 1)).toEqual({ channels: [] });
    expect(await open(destination, 1)).toBe('epoch 1 is over');
    await expect(holds('0', 1)).rejects.toThrow('epoch 1 is over');
    await soon('the end', () => ends().length > 0);
    expect(ends()).toEqual(['epoch']);
  });
});

describe('an owner that does not answer beats', () => {
  it('finds idle connections closed and the mail under way finished before the worker is lost', async () => {
    const clock = manualClock();
    const { sink, destination } = await sinkWith({
      extensions: ['SIZE'],
      rules: { 'slow@dest.test': [{ at: 'dot', delay: 200 }] },
    });
    const rig = await start({}, clock);
    const [idle, busy] = [await rig.open(destination), await rig.open(destination)];
    await rig.give(idle, [jobOf('a')]);
    await soon('the first mail', () => 'a' in rig.results());
    rig.noting = false;
    // The idle one would end by itself a second later.
    await clock.advance(times.workerUnheard - 100);
    await rig.give(busy, [jobOf('b', { to: ['slow@dest.test'] }), jobOf('c', { to: ['slow@dest.test'] })]);
    await soon('the mail under way', () => rig.worker.figures().channelsBusy === 1);
    expect(rig.ends()).toEqual([]);
    await clock.advance(times.beat);
    await soon('both ends', () => rig.ends().length === 2);
    expect(rig.ends()).toEqual(['unheard', 'unheard']);
    expect(rig.results().b).toEqual(['0 relayed 2.0.0 250 2.0.0 Ok: taken']);
    expect(rig.results().c?.[0]).toContain('0 untried');
    await soon('no connection', () => sink.connections().open === 0);
    expect(await rig.give(busy, [jobOf('d')]).catch(String)).toMatch(/closing|nobody answers/);
  });
});

describe('the worker', () => {
  it('tells every shard of those that have ended before it', async () => {
    const bus = memoryBus('worker-2');
    stops.push(() => bus.close());
    const spool = memorySpool({ store: new MemoryStore(), clock: systemClock });
    await spool.prepare(['0', '1']);
    const told: string[] = [];
    for (const key of ['0', '1']) {
      const handlers = {
        ended: ({ worker }: { readonly worker: string }) => void told.push(`${key} ${worker}`),
      };
      await bus.host(shardProtocol, () => ({ handlers: handlers as never }), { key });
    }
    const fatal = (fault: unknown) => {
      throw fault;
    };
    const config = configSchema.parse({ hostname: 'me.example' });
    const common = { config, bus, spool, clock: systemClock, log: silent, fatal };
    await new Worker({ ...common, endedInstances: ['worker-0', 'worker-1'] }).start();
    await soon('all of them told', () => told.length >= 4);
    expect(told.slice(0, 4).sort()).toEqual(['0 worker-0', '0 worker-1', '1 worker-0', '1 worker-1']);
  });

  it('leaves the pool when it is full and comes back', async () => {
    const { open, bus, ends } = await start({ outbound: { channels: 2 } });
    const channels = [await open(discard), await open(discard)];
    await expect(open(discard)).rejects.toThrow('nobody answers');
    bus.ref(channelProtocol, channels[0]).tell('close', { epoch: 1 });
    await soon('an end', () => ends().length > 0);
    await soon('room', () =>
      open(discard).then(
        () => true,
        () => false,
      ),
    );
  });

  it('delivers into Maildirs', async () => {
    const temp = tempFolder();
    stops.push(() => temp.remove());
    const { open, give, results, bus } = await start();
    await give(await open({ kind: 'maildir', folder: temp.path }), [
      jobOf('a', { to: ['you@localhost', '../you@localhost'] }),
    ]);
    await soon('the result', () => 'a' in results());
    expect(results().a).toEqual([
      '0 delivered 2.0.0 delivered to Maildir',
      "1 permanent 5.1.3 <../you@localhost>: the local part can't be a folder's name",
    ]);
    expect(bus.events.map(({ event, recipients }) => [event, recipients])).toEqual([
      ['delivered', ['you@localhost']],
      ['refused', ['../you@localhost']],
    ]);
  });

  it('finishes the mail under way when it drains, gives back the others, and says so', async () => {
    const { sink, destination } = await sinkWith({
      extensions: ['SIZE'],
      rules: { '*': [{ at: 'dot', delay: 100 }] },
    });
    const { open, give, results, ends, worker, bus } = await start();
    const channel = await open(destination);
    await give(
      channel,
      ['a', 'b', 'c'].map((id) => jobOf(id)),
    );
    await soon('the first mail', () => worker.figures().channelsBusy === 1);
    await worker.drain();
    expect(ends()).toEqual(['draining']);
    expect(results().a?.[0]).toContain('0 relayed');
    expect(results().b?.[0]).toContain('0 untried');
    expect(results().c?.[0]).toContain('0 untried');
    expect(sink.count()).toBe(1);
    await expect(
      bus.ref(outboundDelivery).ask('open', { site: 'x', destination, shard: '0', epoch: 1 }),
    ).rejects.toThrow();
    expect(worker.figures()).toMatchObject({ channels: 0, relayed: 1, untried: 2, heldOctets: 0 });
  });

  it('breaks off what takes too long when it drains', async () => {
    const { destination } = await sinkWith({ rules: { '*': [{ at: 'dot', delay: 60_000 }] } });
    const { open, give, results, ends, worker } = await start({ shutdown_timeout: '1s' });
    await give(await open(destination), [jobOf('a')]);
    await soon('the mail', () => worker.figures().channelsBusy === 1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await worker.drain();
    expect(results().a?.[0]).toBe('0 unknown 4.3.2 the delivery worker was stopped');
    expect(ends()).toEqual(['draining']);
  });
});
