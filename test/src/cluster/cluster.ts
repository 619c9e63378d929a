/** The system under test: three NATS servers, several processes of each service, next hops, and the events they tell. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connectBus, type Bus } from '@postrider/bus';
import { findNatsServer } from '@postrider/nats-server';
import { queueManager, shard as shardProtocol } from '@postrider/protocol';
import { ChildUnderTest, tempFolder, waitFor, type TempFolder } from '@postrider/testing';
import { connect, type NatsConnection, type StreamInfo } from 'nats';
import { commandLine } from '../running-postrider.js';
import { EventBook } from './event-book.js';
import { Instances, services, type Service } from './instances.js';
import { NatsNode } from './nats-node.js';
import { makeNetwork, type Network } from './network.js';
import { aliasFile, localDomain, NextHops } from './next-hops.js';

export const channelsPerSite = 6;
const shards = 4;
const natsServers = 3;
/** Of each service at the start. */
export const usual: Readonly<Record<Service, number>> = {
  'smtp-ingress': 2,
  'queue-manager': 2,
  'outbound-delivery': 2,
  'dns-resolver': 2,
  'alias-expander': 2,
};
const upWithin = 60_000;
const leaderWithin = 30_000;

export class Cluster {
  readonly nats: readonly NatsNode[];
  readonly instances: Instances;
  readonly nextHops = new NextHops();
  readonly events = new EventBook();
  readonly network: Network;
  readonly #folder: TempFolder;
  readonly #configFile: string;
  readonly #init: ChildUnderTest;
  #bus: Bus | undefined;
  #connection: NatsConnection | undefined;

  private constructor(network: Network, binary: string) {
    this.network = network;
    this.#folder = tempFolder('postrider-cluster-');
    const folder = this.#folder.path;
    this.#configFile = join(folder, 'postrider.yaml');
    this.nats = network.places.map((_, number) => new NatsNode({ binary, folder, network, number }));
    this.instances = new Instances(this.#configFile);
    this.#init = new ChildUnderTest({
      command: process.execPath,
      args: [commandLine, 'cluster', 'init', '--config', this.#configFile],
    });
  }

  /** Its network is there, and nothing runs: whoever has it can `stop` it while it starts. */
  static async make(): Promise<Cluster> {
    const { binary } = await findNatsServer({ fetch: true });
    return new Cluster(await makeNetwork(natsServers), binary);
  }

  async start(): Promise<void> {
    await this.nextHops.start();
    this.#configure();
    await Promise.all(this.nats.map((node) => node.start()));
    await this.#makeStreams();
    const servers = this.nats.map(({ address }) => address);
    this.#bus = await connectBus({ address: { servers }, name: 'test', version: 'test' });
    this.#connection = await connect({ servers, maxReconnectAttempts: -1, reconnectTimeWait: 250 });
    await this.events.follow(servers);
    const apart = { service: 'queue-manager', place: 0 } as const;
    for (const service of services) {
      const starts = Array.from({ length: usual[service] }, (_, place) =>
        this.instances.add(
          service,
          service === apart.service && place === apart.place ? this.network.apart : [],
        ),
      );
      await Promise.all(starts);
    }
  }

  /** The NATS server that leads a shard's log now, and its place. @throws Error when there is none for long */
  async leader(shard = '0'): Promise<NatsNode> {
    const leads = async (): Promise<NatsNode | undefined> => {
      const info = await this.#logInfo(shard);
      return this.nats.find(({ name, process: { running } }) => running && name === info?.cluster?.leader);
    };
    const found = await waitFor(leads, leaderWithin, `a leader of SPOOL-${shard}`);
    if (found === undefined) throw new Error(`SPOOL-${shard} has no leader`);
    return found;
  }

  /** Waits until each server has all of each shard's log again, so that the next may die. */
  async natsWhole(): Promise<void> {
    const whole = async (): Promise<boolean> => {
      for (let shard = 0; shard < shards; shard++) {
        const others = (await this.#logInfo(String(shard)))?.cluster?.replicas ?? [];
        if (others.length !== natsServers - 1 || !others.every(({ current }) => current)) return false;
      }
      return true;
    };
    await waitFor(whole, upWithin, 'all NATS servers to have all of each log');
  }

  /** Waits until no server leads more of the shards' logs than another by two. @throws Error when that is not within a minute */
  async leadersSpread(): Promise<void> {
    const spread = async (): Promise<boolean> => {
      const led = new Map(this.nats.map(({ name }) => [name, 0]));
      for (let shard = 0; shard < shards; shard++) {
        const leader = (await this.#logInfo(String(shard)))?.cluster?.leader ?? '';
        led.set(leader, (led.get(leader) ?? 0) + 1);
      }
      return Math.max(...led.values()) - Math.min(...led.values()) < 2;
    };
    await waitFor(spread, upWithin, "the leaders of the shards' logs to be spread");
  }

  /** Has every mail its final state? False also while a shard has no owner. */
  async drained(): Promise<boolean> {
    return (await this.waiting()).length === 0;
  }

  /** What is still queued, in words, a line a shard. */
  async waiting(): Promise<readonly string[]> {
    const bus = this.#bus;
    if (bus === undefined) throw new Error('not started');
    const ask = async (shard: string): Promise<readonly string[]> => {
      try {
        const { active, inFlight, deferred, held } = await bus.ref(shardProtocol, shard).ask('summary', {});
        const all = active + inFlight + deferred + held;
        const text = `shard ${shard}: ${active} active, ${inFlight} in flight, ${deferred} deferred, ${held} held`;
        return all === 0 ? [] : [text];
      } catch (error) {
        return [`shard ${shard}: ${String(error)}`];
      }
    };
    try {
      const { shards: known } = await bus.ref(queueManager).ask('shards', {});
      return (await Promise.all(known.map(({ shard }) => ask(shard)))).flat();
    } catch (error) {
      return [String(error)];
    }
  }

  /** Writes what every process printed beside the servers' logs. @returns the folder, which then stays */
  keepLogs(): string {
    for (const { name, output } of this.instances.outputs())
      writeFileSync(join(this.#folder.path, `${name}.log`), output);
    return this.#folder.path;
  }

  /** Ends everything at once and for good, from wherever it is. @param keep leave the folder */
  async stop({ keep = false } = {}): Promise<void> {
    await Promise.all([this.instances.end(), this.#init.end()]);
    this.events.stop();
    await this.#bus?.close().catch(() => undefined);
    await this.#connection?.close().catch(() => undefined);
    await Promise.all(this.nats.map((node) => node.process.end()));
    await this.nextHops.stop();
    this.network.remove();
    if (!keep) this.#folder.remove();
  }

  async #logInfo(shard: string): Promise<StreamInfo | undefined> {
    const manager = await this.#connection?.jetstreamManager({ timeout: 2_000 });
    return manager?.streams.info(`SPOOL-${shard}`);
  }

  #configure(): void {
    const folder = this.#folder.path;
    writeFileSync(join(folder, 'aliases'), aliasFile);
    const lines = [
      'hostname: mx.cluster.test',
      'data_dir: ./var',
      `nats: { servers: [${this.nats.map(({ address }) => `"${address}"`).join(', ')}] }`,
      `spool: { shards: ${shards}, replicas: ${natsServers}, max_size: 1GiB }`,
      'relay: { networks: ["127.0.0.0/8"] }',
      `local: { domains: [${localDomain}], users: listed, deliver: "lmtp://127.0.0.1:24" }`,
      'aliases: { files: [aliases] }',
      `dns: { servers: ["${this.nextHops.nameserver}"] }`,
      `outbound: { channels_per_site: ${channelsPerSite} }`,
      'queue: { retry: { first: 1s, max: 5s } }',
      'http: { listen: "" }',
      'log: { format: json }',
      'routes:',
      ...this.nextHops.routes(),
    ];
    writeFileSync(this.#configFile, `${lines.join('\n')}\n`);
  }

  async #makeStreams(): Promise<void> {
    await this.#init.start();
    if ((await this.#init.ended()).code !== 0)
      throw new Error(`'postrider cluster init' said: ${this.#init.output}`);
  }
}
