/** Peak memory of each process: a thousand idle sessions, and one mail of 50 MB. */
import { connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { resetPeaks, type ProcessFigures } from '../process-figures.js';
import type { CountingSink } from '../smtp-sink.js';
import type { SystemUnderTest } from './systems.js';

export interface MemoryFigures {
  readonly process: string;
  readonly idleInOctets: number;
  readonly peakInOctets: number;
}

/** Memory of each process with that many sessions after EHLO. */
export async function measureIdleSessions(
  system: SystemUnderTest,
  sessions: number,
): Promise<readonly MemoryFigures[]> {
  const before = system.processes();
  resetPeaks(before);
  const sockets = await Promise.all(Array.from({ length: sessions }, () => openSession(system.port)));
  await pause(1000);
  const after = system.processes();
  sockets.forEach((socket) => socket.destroy());
  return compare(before, after);
}

/** Memory of each process while one mail of that size goes through. */
export async function measureLargeMail(
  system: SystemUnderTest,
  sink: CountingSink,
  sizeInOctets: number,
): Promise<readonly MemoryFigures[]> {
  const before = system.processes();
  resetPeaks(before);
  const count = sink.count();
  await sendLarge(system.port, sizeInOctets);
  await sink.reached(count + 1);
  return compare(before, system.processes());
}

function compare(before: readonly ProcessFigures[], after: readonly ProcessFigures[]): MemoryFigures[] {
  return after.flatMap(({ pid, name, peakMemoryInOctets }) => {
    const idle = before.find((process) => process.pid === pid);
    return idle
      ? [{ process: name, idleInOctets: idle.memoryInOctets, peakInOctets: peakMemoryInOctets }]
      : [];
  });
}

async function openSession(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'data');
  socket.write('EHLO bench.test\r\n');
  await once(socket, 'data');
  return socket;
}

async function sendLarge(port: number, sizeInOctets: number): Promise<void> {
  const socket = await openSession(port);
  for (const command of ['MAIL FROM:<a@bench.test>', 'RCPT TO:<b@dest.test>', 'DATA']) {
    socket.write(`${command}\r\n`);
    await once(socket, 'data');
  }
  const line = Buffer.from(`${'x'.repeat(76)}\r\n`);
  const chunk = Buffer.concat(Array.from({ length: 800 }, () => line));
  socket.write('From: a@bench.test\r\nTo: b@dest.test\r\nSubject: large\r\n\r\n');
  for (let sent = 0; sent < sizeInOctets; sent += chunk.length) {
    if (!socket.write(chunk)) await once(socket, 'drain');
  }
  const answered = once(socket, 'data') as Promise<[Buffer]>;
  socket.write('.\r\n');
  const [reply] = await answered;
  socket.destroy();
  if (!reply.toString('latin1').startsWith('250'))
    throw new Error(`the large mail was not accepted: ${reply.toString('latin1')}`);
}
