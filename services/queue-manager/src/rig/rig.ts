/**
 * One shard's queue with memory for NATS, a clock that stands still, and a worker that answers as the spec says. For
 * specs only.
 */
import { manualClock, type ManualClock } from '@postrider/actor';
import { memoryBus, type MemoryBus } from '@postrider/bus';
import { mailIdSource, type Envelope, type MailId, type MailObject } from '@postrider/mail';
import { configSchema, type Logger } from '@postrider/runtime';
import { memorySpool, MemoryStore, type Spool } from '@postrider/spool';
import {
  aliasExpander,
  dnsResolver,
  shard as shardProtocol,
  times,
  type LocateAnswer,
  type PageAnswer,
} from '@postrider/protocol';
import { Locator } from '../routing/locator.js';
import { Router } from '../routing/router.js';
import { settingsOf } from '../settings.js';
import type { Workers } from '../leases/known-workers.js';
import { shardBehaviour } from '../shard/behaviour.js';
import { ShardQueue } from '../shard/shard-queue.js';
import { fakeWorker, type FakeWorker } from './fake-worker.js';

export const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};

/** Lets promises and immediates that follow from what happened run out. */
export async function turns(count = 30): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

export interface Rig {
  readonly clock: ManualClock;
  readonly bus: MemoryBus;
  readonly spool: Spool;
  readonly store: MemoryStore;
  readonly worker: FakeWorker;
  readonly queue: ShardQueue;
  trust(trusted: boolean): void;
  /** Accepts a mail as ingress does. */
  accept(mail?: Partial<Envelope>, content?: string): Promise<MailId>;
  /** Lets time pass, and what follows from it happen. */
  pass(time: number): Promise<void>;
  events(event: string): readonly Readonly<Record<string, unknown>>[];
  /** As `kill -9`: what it had in memory is gone; the logs and the worker stay. */
  killed(): Promise<Rig>;
}

export interface RigOptions {
  readonly config?: Record<string, unknown>;
  readonly locate?: (domain: string) => LocateAnswer;
  readonly log?: Logger;
  /** Default true at the first start. */
  readonly systemStarts?: boolean;
  /** Default: this one alone, '0'. */
  readonly shards?: readonly string[];
  /** Default: the rig's own is known. */
  readonly workers?: Workers;
  /** The spool of each process over the store; the default never fails. */
  readonly spoolOf?: (store: MemoryStore, clock: ManualClock) => Spool;
  /** Members of the page after that one. */
  readonly page?: (after: string | undefined) => PageAnswer;
}

const newId = mailIdSource(() => Date.UTC(2026, 0, 1), new Uint8Array([1, 2, 3, 4, 5, 6]));

export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const clock = manualClock();
  const bus = memoryBus('qm-1');
  const store = new MemoryStore();
  const spool = memorySpool({ store, clock });
  await spool.prepare(['0']);
  await bus.host(dnsResolver, () => ({
    handlers: {
      locate: ({ domain }) => (options.locate ?? noDomain)(domain),
      resolve: ({ host }) => namedHost(host),
      reverse: () => ({ result: 'none' }),
    },
  }));
  await bus.host(aliasExpander, () => ({
    handlers: {
      resolve: () => ({ result: 'unknown' }),
      page: ({ after }) => options.page?.(after) ?? { result: 'unknown' },
    },
  }));
  const worker = await fakeWorker(bus);
  return openShard({ clock, bus, store, spool, worker }, options);
}

/** Time goes on in steps of a worker's beat. */
const step = times.beat;

type Shared = Pick<Rig, 'clock' | 'bus' | 'spool' | 'store' | 'worker'>;

async function openShard(shared: Shared, options: RigOptions): Promise<Rig> {
  const { clock, bus } = shared;
  const writer = shared.spool.writer({ shards: ['0'] });
  const state = { trusted: true };
  const spool = options.spoolOf?.(shared.store, clock) ?? shared.spool;
  const queue = await queueOf({ ...shared, spool }, options, () => state.trusted);
  const behaviour = shardBehaviour({ shard: '0', owner: bus.instance, queue });
  const hosted = await bus.host(shardProtocol, behaviour, { key: '0' });
  await queue.start();
  return {
    ...shared,
    queue,
    trust: (trusted) => {
      state.trusted = trusted;
    },
    async accept(envelope = {}, content = 'Subject: hello\r\n\r\nHello\r\n') {
      const mail = mailObject(envelope, content, clock.now());
      await writer.commit(mail);
      queue.environment.owner.wake();
      await turns();
      return mail.envelope.id;
    },
    async pass(time) {
      for (let left = time; left > 0; left -= step) {
        shared.worker.beat();
        await clock.advance(Math.min(step, left));
        await turns(5);
      }
      await turns();
    },
    events: (event) => bus.events.filter((record) => record.event === event),
    async killed() {
      queue.end();
      // What a handler waits for may never come to a dead process.
      await Promise.race([hosted.stop(), turns()]);
      return openShard(shared, { ...options, systemStarts: false });
    },
  };
}

async function queueOf(
  { clock, bus, spool }: Shared,
  options: RigOptions,
  trusted: () => boolean,
): Promise<ShardQueue> {
  const settings = settingsOf(
    configSchema.parse({
      hostname: 'mx.example.org',
      routes: { '*': 'smtp://192.0.2.1:25', 'b.test': 'smtp://192.0.2.2:25', 'mx.test': 'mx' },
      ...options.config,
    }),
  );
  const ignore = (): void => undefined;
  const owner = await spool.own('0', { owner: bus.instance, lost: ignore, fault: ignore });
  const environment = {
    shard: '0',
    bus,
    spool,
    owner,
    clock,
    trusted,
    notesBeats: trusted,
    log: options.log ?? silent,
    router: new Router(new Locator(bus, clock), clock, settings),
    settings: () => settings,
    shards: () => options.shards ?? ['0'],
    systemStarts: options.systemStarts ?? true,
    workers: options.workers ?? { known: () => [{ worker: 'worker-1', drains: false }] },
    soon: (act: () => void) => void setImmediate(act),
  };
  return new ShardQueue(environment, (fault) => {
    throw fault instanceof Error ? fault : new Error(String(fault));
  });
}

export function mailObject(facts: Partial<Envelope>, text: string, now: number): MailObject {
  const content = Buffer.from(text);
  const envelope: Envelope = {
    id: newId(),
    reversePath: 'from@example.org',
    recipients: [{ forwardPath: 'to@a.test' }],
    body: '7BIT',
    sizeInOctets: content.length,
    acceptedAt: now,
    client: { address: '192.0.2.9', helo: 'client.test', protocol: 'ESMTP' },
    listener: 'mx',
    ...facts,
  };
  return { envelope, content };
}

const noDomain = (domain: string): LocateAnswer => ({
  result: 'no-such-domain',
  ttl: 60_000,
  text: `${domain} not found`,
});
const namedHost = (host: string): LocateAnswer => ({
  result: 'exchangers',
  exchangers: [{ host, preference: 0, addresses: ['192.0.2.3'] }],
  source: 'named-host',
  ttl: 60_000,
});
