import type { StreamState } from '@postrider/nats-server';
import type { StatusRecord } from '@postrider/protocol';
import { expect, test } from 'vitest';
import { painted } from './status-command.js';
import { clusterStatus, type Heard } from './status.js';
import { statusText } from './status-view.js';

const now = Date.UTC(2026, 0, 1);

const gauge = (service: string, instance: string, figures: object = {}): StatusRecord => ({
  at: new Date(now).toISOString(),
  service,
  instance,
  version: '0.1.0',
  uptimeInSeconds: 90,
  ready: true,
  memoryInOctets: 90 * 1024 * 1024,
  eventLoopLagInMilliseconds: 2,
  configuration: 'aaaaaaaaaaaa',
  ...figures,
});

const stream = (name: string, changed: Partial<StreamState> = {}): StreamState => ({
  stream: name,
  wanted: 3,
  leader: 'nats-0',
  replicas: ['nats-1', 'nats-2'].map((server) => ({
    server,
    current: true,
    offline: false,
    lag: 0,
    silentFor: 10,
  })),
  messages: 5,
  octets: 2048,
  maxOctets: 4 * 1024 * 1024,
  firstSequence: 1,
  lastSequence: 5,
  ...changed,
});

/** As JetStream lists a stream whose leader did not answer. */
const leaderless = (name: string): StreamState => ({
  stream: name,
  wanted: 0,
  replicas: [],
  messages: 0,
  octets: 0,
  maxOctets: -1,
  firstSequence: 0,
  lastSequence: 0,
});

const heard = (changed: Partial<Heard> = {}): Heard => ({
  at: now,
  gauges: [],
  sites: [],
  streams: [],
  connectedTo: undefined,
  monitors: [],
  ...changed,
});

const shardOf = (figures: object) => ({
  liveMails: 7,
  readyParts: 3,
  inFlight: 2,
  deferred: 1,
  held: 1,
  ...figures,
});

test.each([
  [
    'owned',
    { shards: { 0: shardOf({ replaying: 0 }) } },
    { state: 'ready', owners: ['q1'], live: 7, ready: 3 },
  ],
  ['replaying', { shards: { 0: shardOf({ replaying: 1 }) } }, { state: 'replaying' }],
  ['its logs are read', { shards: { 0: { takingOver: 1 } } }, { state: 'taking over', owners: ['q1'] }],
  ['nobody claims it', { shards: {} }, { state: 'no owner', owners: [] }],
] as const)('a shard: %s', (_, figures, shown) => {
  const { shards } = clusterStatus(
    heard({ gauges: [gauge('queue-manager', 'q1', figures)], streams: [stream('SPOOL-0')] }),
  );
  expect(shards).toMatchObject([{ shard: '0', ...shown }]);
});

test('what nobody said is absent, and shown as -', () => {
  const status = clusterStatus(heard({ streams: [stream('SPOOL-0')] }));
  expect(status.shards[0]).not.toHaveProperty('live');
  const [, row] = statusText(status, now).split('\n\n')[1]?.split('\n') ?? [];
  expect(row).toMatch(/^0 +no owner +- +- +- +- +- +- +2 KiB of 4.0 MiB +3\/3 +nats-0 +-$/);
  expect(statusText(clusterStatus(heard({ streams: undefined })), now)).toBe(
    '0 shards, 0 owned; 0 processes; JetStream does not answer',
  );
});

test('an owner that has not noticed that it is none stands beside the new one', () => {
  const claims = { shards: { 0: shardOf({}) } };
  const gauges = [gauge('queue-manager', 'q1', claims), gauge('queue-manager', 'q2', claims)];
  const status = clusterStatus(heard({ gauges }));
  expect(status.shards[0]?.owners).toEqual(['q1', 'q2']);
  expect(statusText(status, now)).toContain('q1 and q2');
});

test('shards in the order of their numbers', () => {
  const streams = ['SPOOL-10', 'SPOOL-9', 'EVENTS'].map((name) => stream(name));
  expect(clusterStatus(heard({ streams })).shards.map(({ shard }) => shard)).toEqual(['9', '10']);
});

test('channels of a site are summed over the shards; its limit comes from its owner', () => {
  const site = { site: 'mx.a.test', waiting: 4, inFlight: 1, channels: 2 };
  const status = clusterStatus(
    heard({
      sites: [
        { shard: '0', sites: [site], limits: [] },
        {
          shard: '1',
          sites: [
            { ...site, blockedUntil: now + 60_000 },
            { ...site, site: 'mx.b.test', waiting: 0 },
          ],
          limits: [{ site: 'mx.a.test', limit: 20, granted: 9, holding: 4 }],
        },
      ],
    }),
  );
  expect(status.sites).toMatchObject([
    { site: 'mx.a.test', channels: 4, waiting: 8, limit: 20 },
    { site: 'mx.b.test', channels: 2 },
  ]);
  const text = statusText(status, now);
  expect(text).toMatch(/4\/20 +8 +2 +for 60 s +mx\.a\.test/);
  expect(text).toMatch(/2\/- +0 +1 +- +mx\.b\.test/);
});

test('workers with their channels; an old version does not say how many it may have', () => {
  const gauges = [
    gauge('outbound-delivery', 'w2', {
      channels: 3,
      channelsBusy: 2,
      channelsIdle: 1,
      channelsConnecting: 0,
    }),
    gauge('outbound-delivery', 'w1', { channels: 1, channelsAtMost: 500 }),
  ];
  const status = clusterStatus(heard({ gauges }));
  expect(status.workers).toMatchObject([
    { instance: 'w1', atMost: 500 },
    { instance: 'w2', busy: 2 },
  ]);
  expect(statusText(status, now)).toMatch(/3\/- +2 +1 +0 +w2/);
});

test('an instance whose configuration is not that of most is marked; versions are told', () => {
  const gauges = [
    gauge('smtp-ingress', 'a'),
    gauge('smtp-ingress', 'b'),
    gauge('queue-manager', 'b'),
    gauge('smtp-ingress', 'c', { configuration: 'bbbbbbbbbbbb', version: '0.2.0', ready: false }),
  ];
  const status = clusterStatus(heard({ gauges }));
  expect(status.instances.map(({ instance, differs }) => [instance, differs])).toEqual([
    ['b', false],
    ['a', false],
    ['c', true],
  ]);
  const text = statusText(status, now);
  expect(text).toContain('1 with another configuration (*); versions 0.1.0, 0.2.0');
  expect(text).toMatch(/0\.2\.0 +bbbbbbbbbbbb \* +NO/);
  expect(text).toContain('queue-manager smtp-ingress');
});

test('servers: what they lead and keep, which copies lag, and how they sync', () => {
  const lagging = stream('SPOOL-1', {
    leader: 'nats-1',
    replicas: [
      { server: 'nats-0', current: false, offline: false, lag: 12, silentFor: 100 },
      { server: 'nats-2', current: false, offline: true, lag: 400, silentFor: 61_000 },
    ],
  });
  const status = clusterStatus(
    heard({
      streams: [stream('SPOOL-0'), lagging, leaderless('DEFER-1')],
      connectedTo: { name: 'nats-0', version: '2.15.1' },
      monitors: [
        { server: 'nats-1', version: '2.15.0', sync: 'always' },
        { server: 'nats-2', version: '2.15.1', sync: 120_000 },
      ],
    }),
  );
  expect(status.nats.servers).toEqual([
    { server: 'nats-0', version: '2.15.1', leads: 1, copies: 1, lagging: 1, silent: 0 },
    { server: 'nats-1', version: '2.15.0', leads: 1, copies: 1, lagging: 0, silent: 0, sync: 'always' },
    { server: 'nats-2', version: '2.15.1', leads: 0, copies: 2, lagging: 0, silent: 1, sync: 120_000 },
  ]);
  const text = statusText(status, now);
  expect(text).toContain('SPOOL-1: nats-0 lags by 12, nats-2 is silent for 61 s');
  expect(text).toContain('DEFER-1: NO LEADER');
  expect(text).not.toContain('SPOOL-0:');
  expect(text).toMatch(/nats-0 +2\.15\.1 +1 +1 +1 +0 +-/);
  expect(text).toContain('NOT always: every 2 min');
});

test('a repaint covers what was there, and no more than the terminal has', () => {
  expect(painted('one\ntwo', 24)).toBe('\x1b[Hone\x1b[K\ntwo\x1b[K\n\x1b[J');
  expect(painted('one\ntwo\nthree', 3).split('\n')).toHaveLength(3);
});
