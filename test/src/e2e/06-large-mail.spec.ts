/** A mail of 49 MiB goes through without any process growing with its size, and SIZE is kept. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resetPeaks } from '../process-figures.js';
import { freePort, startPostrider, type RunningPostrider } from '../running-postrider.js';
import { startSmtpSink, type CountingSink } from '../smtp-sink.js';
import { openDialogue, type Dialogue } from './dialogue.js';
import { testWith } from './peers.js';

const mega = 1024 * 1024;
/** DESIGN §7: what a large mail may add to any process. */
const growthAllowed = 64 * mega;

let postrider: RunningPostrider;
let sink: CountingSink;
beforeAll(async () => {
  const sinkPort = await freePort();
  sink = await startSmtpSink(sinkPort);
  postrider = await startPostrider([
    'hostname: postrider.example.org',
    `routes: { "*": "smtp://127.0.0.1:${sinkPort}" }`,
  ]);
});
afterAll(async () => {
  await postrider.remove();
  await sink.stop();
});

async function transaction(parameters = ''): Promise<{ readonly session: Dialogue; readonly mail: string }> {
  const session = await openDialogue(postrider.port);
  const ehlo = await session.command('EHLO client.example');
  expect(ehlo).toContain(`250-SIZE ${50 * mega}`);
  return { session, mail: await session.command(`MAIL FROM:<me@example.org>${parameters}`) };
}

async function content(session: Dialogue, sizeInOctets: number): Promise<string> {
  expect(await session.command('RCPT TO:<you@dest.test>')).toMatch(/^250/);
  expect(await session.command('DATA')).toMatch(/^354/);
  const line = Buffer.from(`${'x'.repeat(76)}\r\n`);
  const chunk = Buffer.concat(Array.from({ length: 1600 }, () => line));
  await session.write('Subject: large\r\n\r\n');
  for (let sent = 0; sent < sizeInOctets; sent += chunk.length) await session.write(chunk);
  return session.command('.');
}

testWith('smtp-sink')('49 MiB', async () => {
  const before = postrider.processes();
  resetPeaks(before);
  const { session } = await transaction();
  expect(await content(session, 49 * mega)).toMatch(/^250 2\.0\.0 Ok: queued as/);
  await sink.reached(1);
  const after = postrider.processes().filter(({ name }) => !name.includes('nats-server'));
  for (const { pid, name, peakMemoryInOctets } of after) {
    const idle = before.find((process) => process.pid === pid)?.memoryInOctets ?? 0;
    expect({ name, growthInMiB: Math.round((peakMemoryInOctets - idle) / mega) }).toSatisfy(
      ({ growthInMiB }: { growthInMiB: number }) => growthInMiB * mega < growthAllowed,
    );
  }
  session.close();
});

test('more than SIZE says is refused at MAIL when the client says so', async () => {
  const { session, mail } = await transaction(` SIZE=${51 * mega}`);
  expect(mail).toMatch(/^552 5\.3\.4/);
  session.close();
});

test('... and after the data when it does not, and the session goes on', async () => {
  const { session } = await transaction();
  expect(await content(session, 51 * mega)).toMatch(/^552 5\.3\.4/);
  expect(await session.command('NOOP')).toMatch(/^250/);
  session.close();
});
