import { manualClock } from '@postrider/actor';
import { configSchema } from '@postrider/runtime';
import { expect, test } from 'vitest';
import { settingsOf } from '../settings.js';
import { NetworkLimits } from './network-limits.js';

const settingsWith = (networks: object) => settingsOf(configSchema.parse({ limits: { networks } }));

function limitsOf(networks: object) {
  let settings = settingsWith(networks);
  return {
    limits: new NetworkLimits(manualClock(), () => settings),
    change: (later: object) => (settings = settingsWith(later)),
  };
}

const networks = {
  all: { networks: ['0.0.0.0/0'], recipients: 100 },
  here: { networks: ['192.0.2.0/24', '2001:db8::/32'], recipients: 200, per_client: { mails_a_minute: 1 } },
  one: { networks: ['192.0.2.7'], recipients: 300, connections: 1 },
};

test.each([
  ['198.51.100.1', 100],
  ['192.0.2.1', 200],
  ['192.0.2.7', 300],
  ['::ffff:192.0.2.7', 300],
  ['2001:db8::1', 200],
  ['2001:db9::1', undefined],
])('%s: the narrowest network that it is in', (address, recipients) => {
  expect(limitsOf(networks).limits.of(address)?.own.recipients).toBe(recipients);
});

test('connections of a network, over all its clients and over changes of the configuration', () => {
  const { limits, change } = limitsOf({ here: { networks: ['192.0.2.0/24'], connections: 2 } });
  const first = limits.of('192.0.2.1');
  expect([first?.connected(), limits.of('192.0.2.2')?.connected()]).toEqual([true, true]);
  expect(limits.of('192.0.2.3')?.connected()).toBe(false);
  first?.disconnected();
  expect(limits.of('192.0.2.3')?.connected()).toBe(true);
  change({ here: { networks: ['192.0.2.0/24'], connections: 3 } });
  expect([1, 2].map(() => limits.of('192.0.2.1')?.connected())).toEqual([true, false]);
});

test('clients are counted for themselves where the network says what they may take', () => {
  const { limits, change } = limitsOf(networks);
  expect(limits.of('192.0.2.7')?.clients).toBeUndefined();
  const clients = limits.of('192.0.2.1')?.clients;
  const mail = (address: string) => clients?.counts(address, 'mails');
  expect([mail('192.0.2.1'), mail('192.0.2.1'), mail('192.0.2.2')]).toEqual([true, false, true]);
  change({ here: { networks: ['192.0.2.0/24'], per_client: { mails_a_minute: 3 } } });
  expect([mail('192.0.2.1'), mail('192.0.2.1')]).toEqual([true, false]);
});
