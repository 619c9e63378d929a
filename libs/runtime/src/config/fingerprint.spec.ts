import { expect, test } from 'vitest';
import { configFingerprint } from './fingerprint.js';
import { configSchema } from './schema.js';

const of = (settings: object): string => configFingerprint(configSchema.parse(settings));
const base = { hostname: 'mx.example.org', routes: { 'a.test': 'mx', 'b.test': 'mx' } };

test.each<[what: string, settings: object, same: boolean]>([
  ['nothing differs', base, true],
  ['routes in another order', { ...base, routes: { 'b.test': 'mx', 'a.test': 'mx' } }, true],
  ["an instance's own port", { ...base, http: { listen: '127.0.0.1:8026' } }, true],
  ["an instance's own folder", { ...base, data_dir: '/elsewhere' }, true],
  ["an instance's own key", { ...base, nats: { nkey_file: '/keys/admin/nkey' } }, true],
  ['more is logged', { ...base, log: { level: 'debug' } }, true],
  ['another name', { ...base, hostname: 'mx2.example.org' }, false],
  ['another route', { ...base, routes: { 'a.test': 'mx' } }, false],
  ['other servers', { ...base, nats: { servers: ['192.0.2.1:4222'] } }, false],
  ['next hops in another order', { ...base, outbound: { families: [6, 4] } }, false],
])('%s', (_, settings, same) => {
  expect(of(settings) === of(base)).toBe(same);
});

test('it is short, and tells nothing of the settings', () => {
  expect(of(base)).toMatch(/^[0-9a-f]{12}$/);
});
