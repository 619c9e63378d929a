import { Resolver } from 'node:dns/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startNameserver, type Nameserver } from './nameserver.js';

let nameserver: Nameserver;
let asker: Resolver;

beforeEach(async () => {
  nameserver = await startNameserver({
    'dest.test': {
      mx: [
        [20, 'b.dest.test'],
        [10, 'a.dest.test'],
      ],
    },
    'a.dest.test': { a: ['127.0.0.1'], aaaa: ['::1'] },
    'alias.test': { cname: 'a.dest.test' },
    'ring.test': { cname: 'ring.test' },
    'broken.test': { rcode: 'SERVFAIL' },
    'large.test': { txt: Array.from({ length: 60 }, (_, index) => `${index} ${'x'.repeat(100)}`) },
    'cut.test': { a: ['127.0.0.2'], truncated: true },
    'slow.test': { a: ['127.0.0.3'], delay: 20 },
    'silent.test': { silent: true },
  });
  asker = new Resolver({ timeout: 300, tries: 1 });
  asker.setServers([nameserver.address]);
});
afterEach(() => nameserver.stop());

test.each([
  [
    'dest.test',
    'MX',
    [
      { exchange: 'b.dest.test', priority: 20 },
      { exchange: 'a.dest.test', priority: 10 },
    ],
  ],
  ['a.dest.test', 'A', ['127.0.0.1']],
  ['a.dest.test', 'AAAA', ['::1']],
  ['alias.test', 'A', ['127.0.0.1']],
  ['alias.test', 'CNAME', ['a.dest.test']],
  ['slow.test', 'A', ['127.0.0.3']],
])('%s %s', async (name, type, expected) => {
  expect(await asker.resolve(name, type)).toMatchObject(expected);
});

test.each([
  ['nowhere.test', 'A', 'ENOTFOUND'],
  ['a.dest.test', 'MX', 'ENODATA'],
  ['broken.test', 'A', 'ESERVFAIL'],
  ['ring.test', 'A', 'ESERVFAIL'],
  ['silent.test', 'A', 'ETIMEOUT'],
])('%s %s fails with %s', async (name, type, code) => {
  await expect(asker.resolve(name, type)).rejects.toMatchObject({ code });
});

test('a truncated answer is fetched over TCP', async () => {
  expect(await asker.resolve4('cut.test')).toEqual(['127.0.0.2']);
  expect((await asker.resolveTxt('large.test')).length).toBe(60);
  expect(nameserver.queries.map(({ transport }) => transport)).toEqual(['udp', 'tcp', 'udp', 'tcp']);
});

test('counts queries and changes while it runs', async () => {
  await asker.resolve4('a.dest.test');
  nameserver.set('A.dest.test', { a: ['127.0.0.9'] });
  expect(await asker.resolve4('a.dest.test')).toEqual(['127.0.0.9']);
  nameserver.set('a.dest.test', undefined);
  await expect(asker.resolve4('a.dest.test')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  expect(nameserver.count('a.dest.test', 'A')).toBe(3);
  expect(nameserver.count('a.dest.test', 'AAAA')).toBe(0);
});
