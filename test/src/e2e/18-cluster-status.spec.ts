/** `postrider cluster status` over three nats-servers and several of each service. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOutsideNats, type OutsideNats } from '../outside-nats.js';
import { commandLine, freePort } from '../running-postrider.js';
import { initCluster, prepareServices, type RunningServices } from '../running-services.js';
import { until } from './maildirs.js';
import { swaks, testWith } from './peers.js';

interface Shown {
  readonly shards: readonly {
    readonly shard: string;
    readonly state: string;
    readonly owners: readonly string[];
    readonly deferred?: number;
    readonly leader?: string;
    readonly copies?: { readonly current: number; readonly wanted: number };
  }[];
  readonly sites: readonly { readonly site: string }[];
  readonly workers: readonly { readonly instance: string; readonly atMost?: number }[];
  readonly instances: readonly {
    readonly services: readonly string[];
    readonly differs: boolean;
    readonly version: string;
  }[];
  readonly nats: {
    readonly servers: readonly {
      readonly server: string;
      readonly sync?: string;
      readonly silent: number;
    }[];
  };
}

let nats: OutsideNats;
let services: RunningServices;
beforeAll(async () => {
  nats = await startOutsideNats(3);
  const down = await freePort();
  services = await prepareServices({
    servers: nats.servers,
    settings: [
      'hostname: mx.example.org',
      'spool: { shards: 4, max_size: 256MiB }',
      'local: { deliver: "maildir:./mail" }',
      `routes: { down.test: "smtp://127.0.0.1:${down}" }`,
      'queue: { retry: { first: 1h, max: 2h } }',
    ],
  });
  await initCluster(services);
  await services.run(['queue-manager']);
  await services.run(['queue-manager'], { POSTRIDER__POSTMASTER: 'someone@example.org' });
  await services.run(['outbound-delivery', 'dns-resolver', 'alias-expander']);
  await services.run(['smtp-ingress']);
});
afterAll(async () => {
  await services.remove();
  await nats.remove();
});

const status = async (...words: readonly string[]): Promise<Shown> => {
  const { code, stdout, stderr } = await services.command('cluster', 'status', '--json', ...words);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Shown;
};

testWith('swaks')('shards, workers, instances, servers', async () => {
  await swaks(services.port, '--from', 'me@example.org', '--to', 'you@down.test');
  const shown = await until('four shards shared by two owners, and a deferred mail', async () => {
    const now = await status(...nats.monitors.flatMap((url) => ['--monitor', url]));
    const owners = new Set(now.shards.flatMap((shard) => shard.owners));
    const deferred = now.shards.reduce((sum, shard) => sum + (shard.deferred ?? 0), 0);
    return owners.size === 2 && now.shards.every(({ state }) => state === 'ready') && deferred === 1 && now;
  });
  expect(shown.shards.map(({ shard }) => shard)).toEqual(['0', '1', '2', '3']);
  for (const { copies, leader } of shown.shards) {
    expect(copies).toEqual({ current: 3, wanted: 3 });
    expect(nats.names).toContain(leader);
  }
  expect(shown.workers).toMatchObject([{ atMost: 500 }]);
  expect(shown.instances).toHaveLength(4);
  expect(shown.instances.filter(({ differs }) => differs)).toMatchObject([{ services: ['queue-manager'] }]);
  expect(shown.nats.servers.map(({ server, sync }) => [server, sync])).toEqual(
    nats.names.map((name) => [name, 'always']),
  );
});

test('for people: one screen; without monitoring ports nobody knows how servers sync', async () => {
  const { code, stdout } = await services.command('cluster', 'status');
  expect(code).toBe(0);
  expect(stdout).toContain('4 shards, 4 owned; 4 processes; 1 with another configuration (*)');
  expect(stdout).toMatch(/^nats-0 .* -$/m);
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThan(200);
  expect(stdout.split('\n').length).toBeLessThan(45);
});

test('--watch goes on until Ctrl-C, which is a good end', async () => {
  const child = spawn(process.execPath, [commandLine, 'cluster', 'status', '--watch', '--json'], {
    env: { ...process.env, POSTRIDER_CONFIG: services.configFile },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let lines: readonly string[] = [];
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    lines = said.split('\n').slice(0, -1);
  });
  await until('two looks', () => lines.length >= 2);
  for (const line of lines) expect((JSON.parse(line) as Shown).shards).toHaveLength(4);
  child.kill('SIGINT');
  const [code] = (await once(child, 'exit')) as [number | null];
  expect(code).toBe(0);
});

test('a server that is gone is seen', async () => {
  await nats.kill('nats-2');
  // A new leader hears of its other copies only after a while: until then those are silent, too.
  const silent = async (): Promise<string> =>
    (await status()).nats.servers
      .filter((one) => one.silent > 0)
      .map(({ server }) => server)
      .join();
  await until('the copies of it alone silent', async () => (await silent()) === 'nats-2', 60_000);
  expect((await services.command('cluster', 'status')).stdout).toMatch(
    /SPOOL-[0-3]: nats-2 (is silent|lags)/,
  );
});
