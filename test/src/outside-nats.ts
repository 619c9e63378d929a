/** nats-servers that are not our own, as an operator of a cluster runs them: one, or three that form a JetStream cluster. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findNatsServer, serverSettings } from '@postrider/nats-server';
import { ChildUnderTest, waitFor } from '@postrider/testing';
import { freePort } from './running-postrider.js';

export interface OutsideNats {
  /** `host:port` of each, as `nats.servers` takes them. */
  readonly servers: readonly string[];
  /** Of their monitoring ports. */
  readonly monitors: readonly string[];
  readonly names: readonly string[];
  /** Of those that run. */
  pids(): readonly number[];
  /** SIGKILL, and resolves when it is gone. */
  kill(name: string): Promise<void>;
  start(name: string): Promise<void>;
  /** Ends all of them; what they stored is lost, as on other machines. The next start finds nothing. */
  wipe(): Promise<void>;
  remove(): Promise<void>;
}

interface Server {
  readonly name: string;
  readonly port: number;
  readonly monitor: number;
  readonly route: number;
  readonly configFile: string;
  readonly storeDir: string;
  readonly process: ChildUnderTest;
}

const upWithin = 30_000;
const maxFileStoreInOctets = 8 * 1024 * 1024 * 1024;

/** @param count 1 or 3; all are up when it resolves */
export async function startOutsideNats(count: 1 | 3): Promise<OutsideNats> {
  const { binary } = await findNatsServer({ fetch: true });
  const folder = mkdtempSync(join(tmpdir(), 'outside-nats-'));
  const servers: Server[] = [];
  for (let n = 0; n < count; n++) servers.push(await newServer(n, binary, folder));
  for (const server of servers) writeFileSync(server.configFile, settings(server, servers, folder));
  const find = (name: string): Server => {
    const found = servers.find((server) => server.name === name);
    if (!found) throw new Error(`no server ${name}`);
    return found;
  };
  const launchAll = async (): Promise<void> => {
    await Promise.all(servers.map(launch));
  };
  const endAll = async (): Promise<void> => {
    for (const { process } of servers) await process.stop();
  };
  await launchAll();
  return {
    servers: servers.map(({ port }) => `127.0.0.1:${port}`),
    monitors: servers.map(monitorOf),
    names: servers.map(({ name }) => name),
    pids: () => servers.flatMap(({ process: { pid } }) => pid ?? []),
    kill: (name) => find(name).process.kill(),
    start: (name) => launch(find(name)),
    async wipe() {
      await endAll();
      rmSync(join(folder, 'store'), { recursive: true, force: true });
      await launchAll();
    },
    async remove() {
      await endAll();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function newServer(n: number, binary: string, folder: string): Promise<Server> {
  const name = `nats-${n}`;
  const [port, monitor, route] = [await freePort(), await freePort(), await freePort()];
  const configFile = join(folder, `${name}.conf`);
  const args = ['--config', configFile, '--http_port', String(monitor)];
  const process = new ChildUnderTest({ command: binary, args });
  return { name, port, monitor, route, configFile, storeDir: join(folder, 'store', name), process };
}

const monitorOf = ({ monitor }: Server): string => `http://127.0.0.1:${monitor}`;

/** Resolves when JetStream is ready there. */
async function launch(server: Server): Promise<void> {
  mkdirSync(server.storeDir, { recursive: true });
  await server.process.start();
  const isUp = async (): Promise<boolean> =>
    (await fetch(`${monitorOf(server)}/healthz`).catch(() => undefined))?.ok === true;
  await waitFor(isUp, upWithin, () => `${server.name} to come up; it printed:\n${server.process.output}`);
}

function settings({ name, port, route, storeDir }: Server, all: readonly Server[], folder: string): string {
  const routes = all.map((server) => `127.0.0.1:${server.route}`);
  return serverSettings({
    storeDir,
    logFile: join(folder, `${name}.log`),
    port,
    name,
    maxFileStoreInOctets,
    ...(all.length === 1 ? {} : { cluster: { name: 'mail', listen: `127.0.0.1:${route}`, routes } }),
  });
}
