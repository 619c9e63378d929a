/** One nats-server of the cluster, with the settings we ship; started, killed and started again on the same store. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { serverSettings } from '@postrider/nats-server';
import { ChildUnderTest, waitFor } from '@postrider/testing';
import type { Network, Place } from './network.js';

const maxFileStoreInOctets = 4 * 1024 * 1024 * 1024;
const upWithin = 60_000;

export class NatsNode {
  /** As JetStream names its peers. */
  readonly name: string;
  readonly number: number;
  readonly process: ChildUnderTest;
  readonly #place: Place;

  constructor(options: {
    readonly binary: string;
    readonly folder: string;
    readonly network: Network;
    readonly number: number;
  }) {
    const { binary, folder, network, number } = options;
    const place = network.places[number];
    if (place === undefined) throw new Error(`the network has no place ${number}`);
    this.#place = place;
    this.number = number;
    this.name = `nats-${number}`;
    const storeDir = join(folder, this.name);
    mkdirSync(storeDir);
    const configFile = join(storeDir, 'nats-server.conf');
    writeFileSync(
      configFile,
      serverSettings({
        storeDir,
        logFile: join(storeDir, 'server.log'),
        ...place.client,
        name: this.name,
        maxFileStoreInOctets,
        cluster: {
          name: 'postrider',
          listen: hostAndPort(place.route),
          routes: network.places.map(({ route }) => hostAndPort(route)),
        },
      }),
    );
    const [command = binary, ...args] = place.inside.length === 0 ? [] : [...place.inside, binary];
    this.process = new ChildUnderTest({ command, args: [...args, '--config', configFile] });
  }

  get address(): string {
    return hostAndPort(this.#place.client);
  }

  /** Resolves when it takes connections. */
  async start(): Promise<void> {
    await this.process.start();
    await waitFor(
      () => this.#listens(),
      upWithin,
      () => `${this.name} to listen; it printed:\n${this.process.output}`,
    );
  }

  #listens(): Promise<boolean> {
    const { host, port } = this.#place.client;
    return new Promise((resolve) => {
      const socket = connect({ host, port, timeout: 1000 });
      const end = (listens: boolean): void => {
        socket.destroy();
        resolve(listens);
      };
      socket.once('data', () => end(true));
      socket.once('error', () => end(false));
      socket.once('timeout', () => end(false));
    });
  }
}

const hostAndPort = ({ host, port }: { readonly host: string; readonly port: number }): string =>
  `${host}:${port}`;
