import { expect, test } from 'vitest';
import { ConfigError, loadConfig } from './load.js';

const load = (settings: Readonly<Record<string, string>>) =>
  loadConfig({
    flags: { 'nats.servers': '[nats:4222]', hostname: 'mx.example.org', ...settings },
    cwd: '/srv',
  });

function problems(settings: Readonly<Record<string, string>>): readonly string[] {
  try {
    load(settings);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

test('with outside NATS nobody relays and nobody lives here unless it is said', () => {
  const { config, warnings } = load({});
  expect(config.relay.networks).toEqual([]);
  expect(config.local.domains).toEqual([]);
  expect(warnings).toEqual([]);
});

test.each<[Readonly<Record<string, string>>, RegExp]>([
  [{ hostname: 'localhost' }, /hostname: with outside NATS it must be a full name/],
  [{ hostname: '""' }, /hostname: with outside NATS it must be a full name/],
  [
    { 'local.domains': '[example.org]', 'local.users': 'existing' },
    /local\.deliver: maildir: with outside NATS would bind mail/,
  ],
  [{ routes: '{ a.test: "maildir:/srv/mail" }' }, /routes\."a\.test": maildir: with outside NATS/],
  [{ 'relay.networks': '[0.0.0.0/0]' }, /0\.0\.0\.0\/0 would relay mail for all the world/],
  [{ 'relay.networks': '["::/0"]' }, /::\/0 would relay mail for all the world/],
  [{ 'nats.creds_file': 'a', 'nats.nkey_file': 'b' }, /two ways to show who we are/],
])('%j', (settings, text) => {
  expect(problems(settings).join('\n')).toMatch(text);
});

test.each([
  ['10.0.0.0/8', true],
  ['10.1.2.3/8', true],
  ['8.0.0.0/5', true],
  ['172.16.0.0/12', true],
  ['fc00::/7', true],
  ['10.20.0.0/16', false],
  ['192.0.2.0/24', false],
  ['2001:db8::/32', false],
])('relay.networks %s: a whole private range %s', (network, warned) => {
  const { warnings } = load({ 'relay.networks': `["${network}"]` });
  expect(warnings.length > 0).toBe(warned);
});
