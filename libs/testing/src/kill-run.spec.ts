import { afterEach, beforeEach, expect, test } from 'vitest';
import { ChildUnderTest } from './child-under-test.js';
import { freePort } from './free-port.js';
import { runKills, type KillRow, type KillTarget } from './kill-run.js';
import { startSink, type Sink } from './sink/sink.js';

/** A process that only passes octets on: what it held when it was killed is gone. */
const relay = (from: number, to: number): string => `
  const net = require('node:net');
  net.createServer((client) => {
    const server = net.connect(${to}, '127.0.0.1');
    client.pipe(server); server.pipe(client);
    client.on('error', () => server.destroy()); server.on('error', () => client.destroy());
  }).listen(${from}, '127.0.0.1', () => console.log('ready'));`;

let sink: Sink;
let port: number;
let child: ChildUnderTest;
let target: KillTarget;
beforeEach(async () => {
  sink = await startSink();
  port = await freePort();
  child = new ChildUnderTest({
    command: process.execPath,
    args: ['-e', relay(port, sink.port)],
    readyWhen: /ready/,
  });
  await child.start();
  target = {
    name: 'relay',
    pids: () => (child.pid === undefined ? [] : [child.pid]),
    restart: () => child.restart(),
  };
});
afterEach(async () => {
  await child.kill();
  await sink.stop();
});

const options = { mailsBefore: 20, loadAfter: 50, drainWithin: 5_000 };

test('kills under load, and counts accepted, delivered, lost, twice', async () => {
  const shown: KillRow[] = [];
  const load = { port, sessions: 4, perSecond: 500 };
  const rows = await runKills({
    ...options,
    targets: [target],
    load,
    sink,
    rounds: 2,
    onRow: (row) => shown.push(row),
  });
  expect(rows).toEqual(shown);
  expect(rows).toHaveLength(2);
  for (const row of rows) {
    expect(row).toMatchObject({ killed: 'relay', lost: 0, twice: 0 });
    expect(row.delivered).toBe(row.accepted);
    expect(row.accepted).toBeGreaterThan(20);
    expect(row.secondsUntilMailFlows).toBeGreaterThan(0);
  }
});

test('shows what is lost and what came twice', async () => {
  // A sink that forgets one mail of the first row and counts another twice.
  const received = {
    has: (marker: string) => marker !== 'kill-1-3' && sink.received.has(marker),
    get: (marker: string) => (marker === 'kill-1-5' ? 2 : sink.received.get(marker)),
    values: () => sink.received.values(),
  };
  const load = { port, sessions: 2, perSecond: 500 };
  const [row] = await runKills({
    ...options,
    drainWithin: 600,
    targets: [target],
    load,
    sink: { received },
  });
  expect(row).toMatchObject({ lost: 1, twice: 1, lostMarkers: ['kill-1-3'], twiceMarkers: ['kill-1-5'] });
});

test('says when there is nothing to kill, and when mail does not flow again', async () => {
  const load = { port, sessions: 1, perSecond: 200 };
  const gone = { name: 'gone', pids: () => [] };
  await expect(runKills({ ...options, targets: [gone], load, sink })).rejects.toThrow(
    'gone has no process to kill',
  );
  const unattended = { name: 'relay', pids: () => target.pids() };
  await expect(
    runKills({ ...options, targets: [unattended], load, sink, flowWithin: 300, name: 'again' }),
  ).rejects.toThrow('mail to flow again after: relay');
});
