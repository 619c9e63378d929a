/** Three servers whose routes go through gates of ours: one is cut off from the others, and its client stays in reach. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NatsConnection } from 'nats';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectNats } from './connect.js';
import { suspectCut } from './cut-watch.js';
import { findNatsServer } from './find.js';

/** Forwards connections until it is shut; then nothing is refused and nothing arrives. */
class Gate {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #to = 0;

  constructor() {
    this.#server = createServer((from) => {
      const to = connect(this.#to, '127.0.0.1');
      for (const [one, other] of [
        [from, to],
        [to, from],
      ] as const) {
        this.#sockets.add(one);
        one.on('error', () => other.destroy());
        one.on('close', () => other.destroy());
        one.pipe(other);
      }
    });
  }

  listen(): Promise<number> {
    return new Promise((resolve) =>
      this.#server.listen(0, '127.0.0.1', () => resolve((this.#server.address() as AddressInfo).port)),
    );
  }

  leadTo(port: number): void {
    this.#to = port;
  }

  shut(): void {
    for (const socket of this.#sockets) {
      socket.unpipe();
      socket.pause();
    }
  }

  end(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

const folder = mkdtempSync(join(tmpdir(), 'postrider-cut-'));
const children: ChildProcess[] = [];
const gates: Gate[] = [];
const ports: number[] = [];
const connections: NatsConnection[] = [];

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await condition()); tries++) {
    if (tries > 300) throw new Error('not within 30 s');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** All routes are those of the first server with the others, each by a gate, and one between those two. */
beforeAll(async () => {
  const { binary } = await findNatsServer({ fetch: true });
  const routePorts = [await freePort(), await freePort(), await freePort()];
  const gateTo = async (server: number): Promise<number> => {
    const gate = new Gate();
    gate.leadTo(routePorts[server] ?? 0);
    gates.push(gate);
    return gate.listen();
  };
  const routes = [[await gateTo(1), await gateTo(2)], [routePorts[2]], []];
  for (const [number, to] of routes.entries()) {
    ports.push(await freePort());
    const file = join(folder, `${number}.conf`);
    const urls = to.map((port) => `"nats://127.0.0.1:${port}"`).join(', ');
    writeFileSync(
      file,
      `server_name: n${number}\nlisten: "127.0.0.1:${ports[number]}"\n` +
        // Nobody comes to another by what the others tell of it.
        `cluster { name: spec, listen: "127.0.0.1:${routePorts[number]}", advertise: "127.0.0.1:1", routes: [${urls}] }\n`,
    );
    children.push(spawn(binary, ['--config', file], { stdio: 'ignore' }));
  }
});

afterAll(async () => {
  for (const connection of connections) await connection.close();
  for (const child of children) child.kill('SIGKILL');
  for (const gate of gates) gate.end();
  rmSync(folder, { recursive: true, force: true });
});

const nameOf = (connection: NatsConnection): string | undefined => connection.info?.server_name;

test(
  'a connection leaves a server that is cut off from the others, and no other',
  { timeout: 60_000 },
  async () => {
    const servers = ports.map((port) => `127.0.0.1:${port}`);
    const open = async (order: readonly string[]): Promise<NatsConnection> => {
      let connection: NatsConnection | undefined;
      await until(async () => {
        connection = await connectNats({ servers: order }, 'spec').catch(() => undefined);
        return connection !== undefined;
      });
      if (connection === undefined) throw new Error('no server');
      connections.push(connection);
      return connection;
    };
    // The client library takes any of those it is given first: these two begin where they should.
    const [first = '', ...rest] = servers;
    const cut = await open([first]);
    const well = await open(rest);
    expect(nameOf(cut)).toBe('n0');
    const before = nameOf(well);
    await until(() => heardAcross(cut, well));
    await until(() => (cut.info?.connect_urls ?? []).length === servers.length);
    suspectCut(cut);
    suspectCut(well);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    expect([nameOf(cut), nameOf(well)]).toEqual(['n0', before]);
    for (const gate of gates) gate.shut();
    await until(() => {
      suspectCut(cut);
      suspectCut(well);
      return nameOf(cut) !== 'n0' && nameOf(cut) !== undefined;
    });
    expect(nameOf(well)).toBe(before);
    expect(await heardAcross(cut, well)).toBe(true);
  },
);

/** Does a word of the one come to the other? */
async function heardAcross(from: NatsConnection, to: NatsConnection): Promise<boolean> {
  const subscription = to.subscribe('spec.across', { max: 1, timeout: 500 });
  await to.flush();
  const said = setInterval(() => from.publish('spec.across'), 50);
  try {
    for await (const _ of subscription) return true;
    return false;
  } catch {
    return false;
  } finally {
    clearInterval(said);
  }
}
