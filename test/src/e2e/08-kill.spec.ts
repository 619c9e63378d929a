/**
 * Under load, `kill -9` of each process in turn, several times, and of all at once: every mail that got a 250 arrives,
 * and second copies are only of what was in flight (DESIGN §2, 3).
 */
import { startSink, runKills, type KillRow, type KillTarget, type Sink } from '@postrider/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startPostrider, type RunningPostrider } from '../running-postrider.js';

const killed = ['smtp-ingress', 'queue-manager', 'outbound-delivery', 'nats-server'];
const rounds = 2;
/** Mails that the channels of one site may hold at once: 20 channels, each with as many jobs as fill a round trip. */
const inFlightAtMost = 20 * 32;

let postrider: RunningPostrider;
let sink: Sink;
beforeAll(async () => {
  sink = await startSink();
  const settings = [
    'hostname: postrider.example.org',
    `routes: { "*": "smtp://127.0.0.1:${sink.port}" }`,
    'log: { level: error }',
  ];
  postrider = await startPostrider(settings, { flags: ['--separate'] });
});
afterAll(async () => {
  await postrider.remove();
  await sink.stop();
});

test('nothing that was accepted is lost', { timeout: 600_000 }, async () => {
  const targets: KillTarget[] = killed.map((name) => ({ name, pids: () => postrider.pidsOf(name) }));
  targets.push({ name: 'all at once', pids: () => killed.flatMap((name) => postrider.pidsOf(name)) });
  const rows = await runKills({
    targets,
    rounds,
    sink,
    load: { port: postrider.port, sessions: 10, sizeInOctets: 2000 },
  });
  print(rows);
  expect(rows.map(({ killed: name, lost, lostMarkers }) => ({ name, lost, lostMarkers }))).toEqual(
    rows.map(({ killed: name }) => ({ name, lost: 0, lostMarkers: [] })),
  );
  for (const { twice } of rows) expect(twice).toBeLessThanOrEqual(inFlightAtMost);
});

function print(rows: readonly KillRow[]): void {
  for (const { killed: name, secondsUntilMailFlows, accepted, lost, twice, unknown } of rows)
    process.stdout.write(
      `kill -9 ${name}: mail flows after ${secondsUntilMailFlows.toFixed(1)} s; accepted ${accepted}, lost ${lost}, twice ${twice}, unknown to the client ${unknown}\n`,
    );
}
