/**
 * The protocol alone: how fast mail is accepted by a server whose spool is memory. smtp-ingress, nodemailer's
 * smtp-server and, where it is installed, Haraka, in turns; and a server that only answers, as the bound of what the
 * sockets and the load let through.
 */
import { execFileSync, fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '@postrider/testing';
import { startIngressProcess } from '../conformance/running-ingress-process.js';
import { isInstalled } from '../e2e/peers.js';
import { smtpSource } from './load.js';

interface ProtocolServer {
  readonly name: string;
  readonly port: number;
  stop(): Promise<void>;
}

interface ProtocolQuestion {
  readonly name: string;
  readonly mails: number;
  readonly recipients: number;
}

/** Mails accepted a second, by server; ours first. */
export interface ProtocolFigures {
  readonly question: string;
  readonly acceptedPerSecond: Readonly<Record<string, number>>;
  /** By the server that only answers. */
  readonly boundPerSecond: number;
}

const bare = 'only answers';

const sessions = 100;
const questions: readonly ProtocolQuestion[] = [
  { name: '5 kB, one recipient', mails: 10_000, recipients: 1 },
  { name: '5 kB, 100 recipients', mails: 1_000, recipients: 100 },
];

/** @param share of the mails; each round is a turn of every server, and one before it is not counted */
export async function measureProtocol(
  rounds: number,
  share: number,
  say: (text: string) => void,
): Promise<readonly ProtocolFigures[]> {
  const haraka = await startHaraka();
  const servers = [await startOurs(), await startSmtpServer(), ...haraka, await startBare()];
  if (haraka.length === 0) say('Haraka is not measured: it is neither on the PATH nor where HARAKA says.');
  try {
    const figures: ProtocolFigures[] = [];
    for (const { name, mails, recipients } of questions) {
      say(`protocol alone, ${sessions} sessions, ${name}: ${rounds} rounds, and one to warm up`);
      const rates = new Map<string, number[]>();
      for (let round = 0; round <= rounds; round++)
        for (const server of servers) {
          const rate = await measure(server, Math.ceil(mails * share), recipients);
          say(`  ${server.name}: ${Math.round(rate)} a second`);
          if (round > 0) rates.set(server.name, [...(rates.get(server.name) ?? []), rate]);
        }
      const medians = new Map([...rates].map(([server, all]) => [server, median(all)] as const));
      const boundPerSecond = medians.get(bare) ?? Number.NaN;
      medians.delete(bare);
      figures.push({ question: name, acceptedPerSecond: Object.fromEntries(medians), boundPerSecond });
    }
    return figures;
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}

async function measure({ port }: ProtocolServer, mails: number, recipients: number): Promise<number> {
  const start = performance.now();
  await smtpSource(port, { mails, sessions, sizeInOctets: 5000, keepOpen: true, recipients });
  return (mails / (performance.now() - start)) * 1000;
}

const median = (rates: readonly number[]): number =>
  rates.toSorted((a, b) => a - b)[Math.floor(rates.length / 2)] ?? Number.NaN;

async function startOurs(): Promise<ProtocolServer> {
  const ingress = await startIngressProcess({ relay: { networks: ['127.0.0.0/8'] } });
  return { name: 'smtp-ingress', port: ingress.ports[0] ?? 0, stop: () => ingress.stop() };
}

const startSmtpServer = (): Promise<ProtocolServer> =>
  startProgram('smtp-server', './smtp-server-process.js');
const startBare = (): Promise<ProtocolServer> => startProgram(bare, './bare-server-process.js');

async function startProgram(name: string, program: string): Promise<ProtocolServer> {
  const port = await freePort();
  const child = fork(fileURLToPath(new URL(program, import.meta.url)), [String(port)]);
  await once(child, 'message');
  return { name, port, stop: () => ended(child) };
}

/** One process, as the others are; a plugin of ours takes all mail. It is found on the PATH, or where HARAKA says. */
async function startHaraka(): Promise<readonly ProtocolServer[]> {
  const program = process.env['HARAKA'] ?? 'haraka';
  if (!isInstalled(program)) return [];
  const port = await freePort();
  const parent = mkdtempSync(join(tmpdir(), 'haraka-'));
  const folder = join(parent, 'own');
  // It does not run without the settings that it writes itself.
  execFileSync(program, ['-i', folder], { stdio: 'ignore' });
  writeFileSync(join(folder, 'config/smtp.ini'), `listen=127.0.0.1:${port}\nnodes=0\n`);
  writeFileSync(join(folder, 'config/me'), 'haraka.bench.test\n');
  writeFileSync(join(folder, 'config/plugins'), 'take\n');
  writeFileSync(join(folder, 'config/loglevel'), 'CRIT\n');
  writeFileSync(
    join(folder, 'plugins/take.js'),
    'exports.hook_rcpt = (next) => next(OK);\nexports.hook_queue = (next) => next(OK);\n',
  );
  const child = spawn(program, ['-c', folder], { stdio: 'ignore' });
  await listening(port);
  const stop = async (): Promise<void> => {
    await ended(child);
    rmSync(parent, { recursive: true, force: true });
  };
  return [{ name: 'Haraka', port, stop }];
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exit = once(child, 'exit');
  child.kill();
  await exit;
}

async function listening(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const socket = connect(port, '127.0.0.1');
    const [event] = await Promise.race([
      once(socket, 'connect').then(() => ['connect']),
      once(socket, 'close').then(() => ['close']),
    ]).catch(() => ['close']);
    socket.destroy();
    if (event === 'connect') return;
    await pause(100);
  }
  throw new Error('Haraka does not listen');
}
