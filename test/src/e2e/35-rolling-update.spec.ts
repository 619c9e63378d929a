/**
 * From one version to the next under load, in the order NATS, queue-manager, workers, ingress; and in the wrong order:
 * what an old process can't read it leaves to newer ones, and nothing is lost.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { connect, type NatsConnection } from 'nats';
import {
  startLoad,
  startSink,
  tempFolder,
  type ChildUnderTest,
  type LoadResult,
  type Sink,
} from '@postrider/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeNextVersion, nextFormat } from '../next-version.js';
import { startOutsideNats, type OutsideNats } from '../outside-nats.js';
import { freePort } from '../running-postrider.js';
import { initCluster, prepareServices, type RunningServices } from '../running-services.js';
import { until } from './maildirs.js';

const shards = ['0', '1', '2', '3'];
const folder = tempFolder('postrider-next-');
let next: string;
let nats: OutsideNats;
let postrider: RunningServices;
let sink: Sink;
let connection: NatsConnection;
let ports: readonly number[];
/** Events `let_go`: why. */
const letGo: string[] = [];

beforeAll(async () => {
  next = makeNextVersion(folder.path);
  nats = await startOutsideNats(3);
  // In flight for a while, so that there is something that could be lost.
  sink = await startSink({ rules: { '*': [{ at: 'dot', delay: 30 }] } });
  ports = [await freePort(), await freePort()];
  postrider = await prepareServices({
    servers: nats.servers,
    settings: [
      'hostname: mx.example.org',
      `spool: { shards: ${shards.length}, replicas: 3, max_size: 512MiB }`,
      `routes: { "*": "smtp://127.0.0.1:${sink.port}" }`,
      'queue: { retry: { first: 1s, max: 2s } }',
    ],
  });
  await initCluster(postrider);
  connection = await connect({ servers: [...nats.servers], maxReconnectAttempts: -1 });
  void (async () => {
    for await (const message of connection.subscribe('mta.events.queue-manager.let_go'))
      letGo.push(String(message.json<{ readonly reason?: string }>().reason));
  })();
});
afterAll(async () => {
  await postrider.remove();
  await connection.close();
  await sink.stop();
  await nats.remove();
  folder.remove();
});

const runIngress = (place: 0 | 1, program?: string): Promise<ChildUnderTest> =>
  postrider.run(
    ['smtp-ingress'],
    { POSTRIDER__LISTENERS__MX__LISTEN: `["127.0.0.1:${ports[place]}"]` },
    program,
  );

async function drain(child: ChildUnderTest): Promise<void> {
  expect(await child.stop()).toEqual({ code: 0, signal: null });
}

const waiting = async (): Promise<number> => {
  const { code, stdout } = await postrider.command('queue', 'summary', '--json');
  if (code > 1) return Infinity;
  const { active, inFlight, deferred, held, silentShards } = JSON.parse(stdout) as Record<string, number> & {
    readonly silentShards?: readonly string[];
  };
  if ((silentShards ?? []).length > 0) return Infinity;
  return (active ?? 0) + (inFlight ?? 0) + (deferred ?? 0) + (held ?? 0);
};

function expectAllOnce({ accepted }: LoadResult, inFlightAtMost: number): void {
  const lost = [...accepted.keys()].filter((marker) => !sink.received.has(marker));
  expect(lost).toEqual([]);
  const twice = [...accepted.keys()].filter((marker) => (sink.received.get(marker) ?? 0) > 1);
  expect(twice.length).toBeLessThanOrEqual(inFlightAtMost);
}

/** Of the last segment and the last record of each shard. */
async function formats(kind: 'segment' | 'outcome'): Promise<readonly (number | undefined)[]> {
  const manager = await connection.jetstreamManager();
  return Promise.all(
    shards.map(async (shard) => {
      const query = { last_by_subj: `mta.v1.spool.${shard}.${kind}` };
      const message = await manager.streams.getMessage(`SPOOL-${shard}`, query).catch(() => undefined);
      return message?.data[4];
    }),
  );
}

let newer: ChildUnderTest[] = [];

test('NATS, queue-manager, workers, ingress: old and new run side by side, mail flows, and all of it ends', async () => {
  const old = {
    queues: [await postrider.run(['queue-manager']), await postrider.run(['queue-manager'])],
    workers: [await postrider.run(['outbound-delivery']), await postrider.run(['outbound-delivery'])],
    others: [await postrider.run(['dns-resolver']), await postrider.run(['alias-expander'])],
    ingresses: [await runIngress(0), await runIngress(1)],
  };
  const load = startLoad({
    port: () => ports,
    sessions: 6,
    perSecond: 60,
    sizeInOctets: 3_000,
    markerPrefix: 'roll-',
  });
  const flows = async (): Promise<void> => {
    const before = sink.count();
    await until('mail at the next hop', () => sink.count() > before + 30, 60_000);
  };
  await flows();
  for (const name of nats.names) {
    await nats.kill(name);
    await nats.start(name);
    await pause(3_000);
    await flows();
  }
  for (const child of old.queues) {
    newer.push(await postrider.run(['queue-manager'], {}, next));
    // Side by side, until the shards are shared out anew.
    await flows();
    await pause(3_000);
    await drain(child);
    await flows();
  }
  for (const child of old.workers) {
    newer.push(await postrider.run(['outbound-delivery'], {}, next));
    await flows();
    await drain(child);
    await flows();
  }
  newer.push(await postrider.run(['dns-resolver', 'alias-expander'], {}, next));
  for (const child of old.others) await drain(child);
  for (const place of [0, 1] as const) {
    await drain(old.ingresses[place]!);
    newer.push(await runIngress(place, next));
    await flows();
  }
  await until('a segment of the next version', async () => (await formats('segment')).includes(nextFormat));
  const result = await load.stop();
  await until('an empty queue', async () => (await waiting()) === 0, 90_000);
  expect(result.refused.size).toBe(0);
  expectAllOnce(result, 0);
  expect(await formats('outcome')).toEqual(shards.map(() => nextFormat));
}, 400_000);

test('the wrong order: an old queue-manager gives back what it can not read, and the next newer one delivers it', async () => {
  for (const child of newer) await drain(child);
  newer = [];
  letGo.length = 0;
  const queue = await postrider.run(['queue-manager']);
  const worker = await postrider.run(['outbound-delivery', 'dns-resolver', 'alias-expander']);
  newer.push(await runIngress(0, next));
  const load = startLoad({
    port: ports[0]!,
    sessions: 4,
    count: 200,
    sizeInOctets: 3_000,
    markerPrefix: 'wrong-',
  });
  const result = await load.finished;
  expect(result.accepted.size).toBe(200);
  await until('it to give back the shards', () =>
    letGo.some((why) => /version 2; this process knows 1/.test(why)),
  );
  await pause(3_000);
  expect([...result.accepted.keys()].filter((marker) => sink.received.has(marker))).toEqual([]);
  // It has come to no harm.
  expect(queue.running).toBe(true);
  newer.push(await postrider.run(['queue-manager'], {}, next));
  await until(
    'all of it',
    () => [...result.accepted.keys()].every((marker) => sink.received.has(marker)),
    90_000,
  );
  expect(queue.running).toBe(true);
  await drain(queue);
  await until('an empty queue', async () => (await waiting()) === 0, 90_000);
  expectAllOnce(result, 0);
  for (const child of [worker, ...newer]) await drain(child);
}, 300_000);
