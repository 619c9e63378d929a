/** A delivery to servers on this machine, for specs; the servers stop with each test. */
import { systemClock, type Clock } from '@postrider/actor';
import type { ChannelEnd, Job, NextHop } from '@postrider/protocol';
import { startSink, waitFor as waitedFor, type Sink, type SinkOptions } from '@postrider/testing';
import { afterEach } from 'vitest';
import type { JobSource } from '../delivery.js';
import { jobOf, shown, type JobFacts } from '../job.fixture.js';
import { DeadAddresses } from './dead-addresses.js';
import { startScripted, type Script, type ScriptedServer } from './scripted-server.fixture.js';
import { SmtpDelivery, type SmtpSettings } from './smtp-delivery.js';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

export async function sinkWith(options: SinkOptions = {}): Promise<Sink> {
  const sink = await startSink({ keepMails: true, ...options });
  stops.push(() => sink.stop());
  return sink;
}

export async function scripted(script: Script): Promise<ScriptedServer> {
  const server = await startScripted(script);
  stops.push(() => server.stop());
  return server;
}

export const hopTo = (port: number, preference = 0): NextHop => ({
  host: 'mx.dest.test',
  preference,
  port,
  addresses: ['127.0.0.1'],
});

export const waitFor = (condition: () => boolean): Promise<boolean> =>
  waitedFor(condition, 10_000, String(condition));

export interface Run {
  readonly delivery: SmtpDelivery;
  readonly end: Promise<ChannelEnd>;
  readonly results: Map<string, readonly string[]>;
  readonly tls: readonly string[];
  readonly offer: (job: Job) => void;
}

export interface RunOptions extends Partial<SmtpSettings> {
  readonly hops: readonly NextHop[];
  readonly jobs?: readonly Job[];
  readonly kind?: 'smtp' | 'lmtp';
  /** Stays open for more jobs. */
  readonly open?: boolean;
}

export function run({
  hops,
  jobs = [jobOf('a')],
  kind = 'smtp',
  open = false,
  ...settings
}: RunOptions): Run {
  const clock: Clock = settings.clock ?? systemClock;
  const queue = [...jobs];
  const results = new Map<string, readonly string[]>();
  const tls: string[] = [];
  const source: JobSource = {
    take: () => queue.shift(),
    get waiting() {
      return queue.length;
    },
    done: ({ id }, outcomes) => results.set(id, shown(outcomes)),
    encrypted: (text) => tls.push(text),
  };
  const delivery = new SmtpDelivery(
    { kind, nextHops: hops as [NextHop, ...NextHop[]] },
    {
      clock,
      ehlo: 'me.example',
      families: [4, 6],
      tls: true,
      largeContent: () => chunks(),
      dead: new DeadAddresses(clock),
      ...settings,
    },
  );
  const end = delivery.run(source);
  if (!open) delivery.finish();
  const offer = (job: Job): void => {
    queue.push(job);
    delivery.offered();
  };
  return { delivery, end, results, tls, offer };
}

export async function* chunks(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) {
    await Promise.resolve();
    yield Buffer.from(text);
  }
}

export const jobs = (count: number, facts?: JobFacts): readonly Job[] =>
  Array.from({ length: count }, (_, n) => jobOf(`job${n}`, facts));
