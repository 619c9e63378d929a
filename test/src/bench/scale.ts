/**
 * `npm run bench -- --scale`: does a tier scale? A next hop that takes 50 ms to answer each final dot, and workers of ten
 * connections each, so that what limits is how much is on its way at once: mails a second and CPU a mail against the
 * number of workers, and of queue-managers, over one NATS.
 */
import { startSinkProcess, waitFor, type ChildUnderTest, type SinkProcess } from '@postrider/testing';
import { startOutsideNats } from '../outside-nats.js';
import { cpuOf, processTree } from '../process-figures.js';
import { freePort } from '../running-postrider.js';
import { prepareServices, type RunningServices } from '../running-services.js';
import { smtpSource } from './load.js';

export interface ScaleRow {
  readonly queueManagers: number;
  readonly workers: number;
  readonly mails: number;
  /** End to end. */
  readonly mailsPerSecond: number;
  /** Of all services and NATS. */
  readonly cpuPerMailInMilliseconds: number;
}

interface Setup {
  readonly queueManagers: number;
  readonly workers: number;
}

const setups: readonly Setup[] = [
  ...[1, 2, 4].map((workers) => ({ queueManagers: 1, workers })),
  ...[2, 4].map((queueManagers) => ({ queueManagers, workers: 4 })),
];
const channelsOfWorker = 10;
const channelsOfSite = 100;
const shards = 8;
/** Each writes to a shard of its own choice. */
const ingresses = 4;
const replyAfter = 50;
const sizeInOctets = 5_000;
const sessionsOfIngress = 10;
/** Of the mails that are measured, sent before. */
const warmUp = 0.25;
const withoutProgress = 120_000;
const takenOverWithin = 90_000;

/** @param mails of a row with one worker; as many times more for more */
export async function measureScale(
  mails: number,
  onRow: (row: ScaleRow) => void,
): Promise<readonly ScaleRow[]> {
  const rows: ScaleRow[] = [];
  const sink = await startSinkProcess({ rules: { '*': [{ at: 'dot', delay: replyAfter }] } });
  try {
    for (const setup of setups) {
      const row = await measureOne(setup, sink, mails * setup.workers);
      onRow(row);
      rows.push(row);
    }
  } finally {
    await sink.stop();
  }
  return rows;
}

async function measureOne(setup: Setup, sink: SinkProcess, mails: number): Promise<ScaleRow> {
  const nats = await startOutsideNats(1);
  const services = await prepareServices({ servers: nats.servers, settings: settingsFor(sink.port) });
  try {
    const ports = await Promise.all(Array.from({ length: ingresses }, () => freePort()));
    const children = await start(services, setup, ports);
    const pids = [...children.flatMap(({ pid }) => pid ?? []), ...nats.pids()];
    const cpu = (): number => pids.reduce((sum, pid) => sum + cpuOf(processTree(pid)), 0);
    await run(ports, sink, Math.ceil(mails * warmUp));
    const [before, begun] = [cpu(), performance.now()];
    await run(ports, sink, mails);
    const seconds = (performance.now() - begun) / 1000;
    const cpuPerMailInMilliseconds = (cpu() - before) / mails;
    return { ...setup, mails, mailsPerSecond: mails / seconds, cpuPerMailInMilliseconds };
  } finally {
    await services.remove();
    await nats.remove();
  }
}

const settingsFor = (sinkPort: number): readonly string[] => [
  'hostname: mx.bench.test',
  `spool: { shards: ${shards}, replicas: 1, max_size: 1GiB }`,
  `outbound: { channels_per_site: ${channelsOfSite}, channels: ${channelsOfWorker} }`,
  `routes: { "*": "smtp://127.0.0.1:${sinkPort}" }`,
];

async function start(
  services: RunningServices,
  { queueManagers, workers }: Setup,
  ports: readonly number[],
): Promise<readonly ChildUnderTest[]> {
  const { code, stderr } = await services.command('cluster', 'init');
  if (code !== 0) throw new Error(stderr);
  const children = [await services.run(['dns-resolver', 'alias-expander'])];
  for (let n = 0; n < workers; n++) children.push(await services.run(['outbound-delivery']));
  for (let n = 0; n < queueManagers; n++) children.push(await services.run(['queue-manager']));
  for (const port of ports)
    children.push(
      await services.run(['smtp-ingress'], { POSTRIDER__LISTENERS__MX__LISTEN: `["127.0.0.1:${port}"]` }),
    );
  await waitFor(() => sharedOut(services, queueManagers), takenOverWithin, 'the shards to be shared out');
  return children;
}

/** Each queue-manager has its share. */
async function sharedOut(services: RunningServices, queueManagers: number): Promise<boolean> {
  const { stdout } = await services.command('cluster', 'status', '--json');
  const { shards: all } = JSON.parse(stdout) as {
    readonly shards: readonly { readonly owners: readonly string[] }[];
  };
  const owners = all.flatMap(({ owners: [owner] }) => owner ?? []);
  const counts = [...new Set(owners)].map((owner) => owners.filter((one) => one === owner).length);
  return counts.length === queueManagers && counts.every((count) => count === shards / queueManagers);
}

/** Resolves when all of them are in the sink. */
async function run(ports: readonly number[], sink: SinkProcess, mails: number): Promise<void> {
  const before = sink.count();
  const each = Math.ceil(mails / ports.length);
  const load = { mails: each, sessions: sessionsOfIngress, sizeInOctets, keepOpen: true };
  await Promise.all(ports.map((port) => smtpSource(port, load)));
  const all = (): boolean => sink.count() >= before + each * ports.length;
  await waitFor(all, withoutProgress, () => `${mails} mails in the sink: ${sink.count() - before} are there`);
}
