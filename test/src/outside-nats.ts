/** nats-servers that are not our own, as an operator of a cluster runs them: one, or three that form a JetStream cluster. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findNatsServer } from '@postrider/nats-server';
import { freePort } from './running-postrider.js';
import { ended } from './smtp-sink.js';

export interface OutsideNats {
  /** `host:port` of each, as `nats.servers` takes them. */
  readonly servers: readonly string[];
  /** Of their monitoring ports. */
  readonly monitors: readonly string[];
  readonly names: readonly string[];
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
  child: ChildProcess | undefined;
}

const ready = { tries: 300, pause: 100 };

/** @param count 1 or 3; all are up when it resolves */
export async function startOutsideNats(count: 1 | 3): Promise<OutsideNats> {
  const { binary } = await findNatsServer({ fetch: true });
  const folder = mkdtempSync(join(tmpdir(), 'outside-nats-'));
  const servers: Server[] = [];
  for (let n = 0; n < count; n++) servers.push(await newServer(n));
  const find = (name: string): Server => {
    const found = servers.find((server) => server.name === name);
    if (!found) throw new Error(`no server ${name}`);
    return found;
  };
  const launch = (server: Server): void => {
    const file = join(folder, `${server.name}.conf`);
    writeFileSync(file, settings(server, servers, join(folder, 'store', server.name)));
    const words = ['--config', file, '--log', join(folder, `${server.name}.log`)];
    server.child = spawn(binary, words, { stdio: 'ignore' });
  };
  const launchAll = async (): Promise<void> => {
    for (const server of servers) launch(server);
    await Promise.all(servers.map(isUp));
  };
  const endAll = async (): Promise<void> => {
    for (const { child } of servers) if (child) await ended(child);
  };
  await launchAll();
  return {
    servers: servers.map(({ port }) => `127.0.0.1:${port}`),
    monitors: servers.map(monitorOf),
    names: servers.map(({ name }) => name),
    kill: (name) => kill(find(name)),
    async start(name) {
      launch(find(name));
      await isUp(find(name));
    },
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

const newServer = async (n: number): Promise<Server> => ({
  name: `nats-${n}`,
  port: await freePort(),
  monitor: await freePort(),
  route: await freePort(),
  child: undefined,
});

const monitorOf = ({ monitor }: Server): string => `http://127.0.0.1:${monitor}`;

async function isUp(server: Server): Promise<void> {
  for (let tries = 0; tries < ready.tries; tries++) {
    const answer = await fetch(`${monitorOf(server)}/healthz`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, ready.pause));
  }
  throw new Error(`${server.name} does not come up`);
}

async function kill({ child }: Server): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

function settings({ name, port, monitor, route }: Server, all: readonly Server[], store: string): string {
  const routes = all.map((server) => `"nats://127.0.0.1:${server.route}"`).join(', ');
  const cluster =
    all.length === 1 ? [] : [`cluster { name: mail, listen: "127.0.0.1:${route}", routes: [${routes}] }`];
  return [
    `server_name: ${name}`,
    `listen: "127.0.0.1:${port}"`,
    `http: "127.0.0.1:${monitor}"`,
    'max_payload: 1048576',
    'ping_interval: "10s"',
    'ping_max: 2',
    'write_deadline: "5s"',
    `jetstream { store_dir: "${store}", sync_interval: always, max_memory_store: 268435456, max_file_store: 8589934592 }`,
    ...cluster,
    '',
  ].join('\n');
}
