/**
 * The demo's world: a nameserver, next hops that behave well and badly, and Postrider between them. Nothing leaves the
 * machine: every name is answered by our own nameserver, every next hop listens on loopback.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  ChildUnderTest,
  freePort,
  startNameserver,
  startSink,
  tempFolder,
  type Sink,
  type SinkOptions,
} from '@postrider/testing';

export interface DemoWorld {
  readonly folder: string;
  readonly configFile: string;
  /** Where it listens. */
  readonly address: string;
  readonly port: number;
  readonly sink: Sink;
  readonly postrider: ChildUnderTest;
  stop(): Promise<void>;
}

/** The demo's port, if nobody has it; the same as `npm start`, so that what people type works in both. */
const usualPort = 2525;
const loopback = '127.0.0.1';
const slowBy = 2_000;

/** Domain → how its next hop behaves. `down.test` has a next hop that nobody listens at. */
const sinks: Readonly<Record<string, SinkOptions>> = {
  'ok.test': {},
  'grey.test': { rules: { '*': [{ at: 'rcpt', reply: '451 4.7.1 Greylisted, try again', times: 1 }] } },
  'slow.test': { rules: { '*': [{ at: 'dot', delay: slowBy }] } },
  'gone.test': { rules: { '*': [{ at: 'rcpt', reply: '550 5.1.1 No such user here' }] } },
};

const demoDomains = [...Object.keys(sinks), 'down.test'];

/** Relays for nobody there: whoever reaches it may send to the demo's domains, as to any exchanger. */
const openSettings = ['relay:', '  networks: []', `  domains: [${demoDomains.join(', ')}]`];

/**
 * @param settings more lines of YAML for Postrider
 * @param address where it listens; other than loopback's it relays for nobody
 */
export async function startWorld(settings: readonly string[] = [], address = loopback): Promise<DemoWorld> {
  const folder = tempFolder('postrider-demo-');
  const running = new Map<string, Sink>();
  for (const [domain, options] of Object.entries(sinks))
    running.set(
      domain,
      await startSink({ name: `mx.${domain}`, startTls: domain === 'ok.test', ...options }),
    );
  const down = await freePort();
  const names = Object.fromEntries(demoDomains.map((domain) => [`mx.${domain}`, { a: ['127.0.0.1'] }]));
  const nameserver = await startNameserver(names);
  const port = await usualPortOrFree(address);
  const routes = demoDomains.map(
    (domain) => `  ${domain}: "smtp://mx.${domain}:${running.get(domain)?.port ?? down}"`,
  );
  const configFile = join(folder.path, 'postrider.yaml');
  mkdirSync(join(folder.path, 'mail'));
  writeFileSync(
    configFile,
    [
      'hostname: demo.example',
      'data_dir: ./var',
      `listeners: { mx: { role: mx, listen: ["${address}:${port}"] } }`,
      ...(address === loopback ? [] : openSettings),
      'local: { deliver: "maildir:./mail" }',
      `dns: { servers: ["${nameserver.address}"] }`,
      'routes:',
      ...routes,
      '  "*": "fail:this demo sends nothing to the internet"',
      'http: { listen: "" }',
      ...settings,
    ].join('\n') + '\n',
  );
  const program = fileURLToPath(new URL('../../bin/postrider.js', import.meta.url));
  const postrider = new ChildUnderTest({
    command: process.execPath,
    // Each service can be seen, and killed, by itself.
    args: [program, 'standalone', '--separate', '--config', configFile],
    readyWhen: /^postrider: ready$/m,
    readyWithin: 300_000,
  });
  const sink = running.get('ok.test');
  if (!sink) throw new Error('no sink');
  const stop = async (): Promise<void> => {
    await postrider.stop();
    await Promise.all([...running.values()].map((each) => each.stop()));
    await nameserver.stop();
    folder.remove();
  };
  try {
    await postrider.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { folder: folder.path, configFile, address, port, sink, postrider, stop };
}

/** What `npm start` would listen on, so that what people type works in both. */
async function usualPortOrFree(address: string): Promise<number> {
  const server = createServer();
  const taken = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(true));
    server.listen(usualPort, address, () => server.close(() => resolve(false)));
  });
  return taken ? freePort() : usualPort;
}
