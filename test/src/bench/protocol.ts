/**
 * The protocol alone: how fast mail is accepted by a server whose spool is memory. smtp-ingress, nodemailer's
 * smtp-server and, where it is installed, Haraka, in turns; and a server that only answers, as the bound of what the
 * sockets and the load let through.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePort } from '@postrider/testing';
import { startIngressProcess } from '../conformance/running-ingress-process.js';
import { ended } from '../smtp-sink.js';
import { startHaraka } from './haraka.js';
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
  const haraka = await startHarakaAlone();
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

/** It says yes to all, and keeps nothing. */
async function startHarakaAlone(): Promise<readonly ProtocolServer[]> {
  const haraka = await startHaraka({
    port: await freePort(),
    plugin: 'exports.hook_rcpt = (next) => next(OK);\nexports.hook_queue = (next) => next(OK);\n',
  });
  return haraka ? [{ name: 'Haraka', ...haraka }] : [];
}
