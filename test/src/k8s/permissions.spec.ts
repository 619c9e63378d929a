/**
 * What a service's NATS user may not do. That each may do what it needs is shown by cluster.spec.ts, where nats-server
 * logs no violation.
 */
import { connect, Events, nkeyAuthenticator, type NatsConnection } from 'nats';
import { afterAll, expect } from 'vitest';
import { testWith } from '../e2e/peers.js';
import { Cluster } from './cluster.js';

const test = testWith('kubectl', 'openssl');

let cluster: Cluster | undefined;
afterAll(() => cluster?.remove());

type Act = (nats: NatsConnection) => Promise<unknown>;
const publish =
  (subject: string): Act =>
  (nats) => {
    nats.publish(subject, '{}');
    return nats.flush();
  };
const subscribe =
  (subject: string): Act =>
  (nats) => {
    nats.subscribe(subject, { callback: () => undefined });
    return nats.flush();
  };

const all = ['smtp-ingress', 'queue-manager', 'outbound-delivery', 'dns-resolver', 'alias-expander', 'admin'];
const publishes: readonly (readonly [subject: string, allowed: readonly string[]])[] = [
  ['mta.v1.spool.0.segment', ['smtp-ingress']],
  ['mta.v1.content.0.a.1', ['smtp-ingress']],
  ['mta.v1.spool.0.outcome', ['queue-manager']],
  ['mta.v1.defer.0.state', ['queue-manager']],
  ['mta.v1.quarantine.0.segment-1-0', ['queue-manager']],
  ['$JS.API.STREAM.PURGE.QUARANTINE', ['queue-manager']],
  ['mta.v1.outbound-delivery.open', ['queue-manager']],
  ['mta.v1.shard.0.report', ['outbound-delivery']],
  ['mta.v1.shard.0.delete', ['admin']],
  ['mta.v1.smtp-ingress.submit', ['admin']],
  ['$KV.MTA-LEASES.shard.0', ['queue-manager']],
  ['$JS.API.DIRECT.GET.SPOOL-0', ['queue-manager']],
  ['$JS.API.DIRECT.GET.CONTENT-0', ['queue-manager', 'outbound-delivery']],
  ['$JS.API.STREAM.PURGE.SPOOL-0', ['queue-manager']],
  ['$JS.API.STREAM.PURGE.CONTENT-0', ['queue-manager', 'smtp-ingress']],
  ['$JS.API.STREAM.CREATE.MINE', ['init']],
  ['$JS.API.STREAM.UPDATE.SPOOL-0', ['queue-manager']],
  ['$JS.API.STREAM.DELETE.SPOOL-0', []],
  ['mta.events.smtp-ingress.accepted', ['smtp-ingress']],
  ['mta.status.queue-manager.x', ['queue-manager']],
  ['anything.else', []],
];
const subscribes: readonly (readonly [subject: string, allowed: readonly string[]])[] = [
  ['mta.v1.spool.>', []],
  ['mta.v1.shard.0.*', ['queue-manager']],
  ['mta.v1.channel.x.*', ['outbound-delivery']],
  ['mta.events.>', ['admin']],
  ['_INBOX.>', []],
  ['_INBOX.queue-manager.>', ['queue-manager']],
  ['>', []],
];

test('each user may what is its own, and nothing else', async () => {
  cluster = await Cluster.create('hostname: mx.example.org\nspool: { shards: 1, max_size: 64MiB }');
  await cluster.startNats();
  for (const user of [...all, 'init']) {
    const nats = await connectAs(cluster, user);
    const violations = watchViolations(nats);
    for (const [subject, allowed] of publishes)
      expect([user, subject, await violations.after(publish(subject))]).toEqual([
        user,
        subject,
        !allowed.includes(user),
      ]);
    for (const [subject, allowed] of subscribes)
      expect([user, subject, await violations.after(subscribe(subject))]).toEqual([
        user,
        subject,
        !allowed.includes(user),
      ]);
    await nats.close();
  }
});

test('no key, no entry; and nothing in the clear', async () => {
  if (!cluster) throw new Error('no cluster');
  const address = `${cluster.nats[0]?.address ?? ''}:4222`;
  const tls = { ca: secret(cluster, 'nats-tls', 'ca.crt') };
  await expect(connect({ servers: address, tls, reconnect: false })).rejects.toThrow(/authorization/i);
  await expect(connect({ servers: address, tls: {}, reconnect: false })).rejects.toThrow();
});

function connectAs(of: Cluster, user: string): Promise<NatsConnection> {
  const seed = secret(of, `nkey-${user}`, 'nkey').trim();
  return connect({
    servers: `${of.nats[0]?.address ?? ''}:4222`,
    tls: { ca: secret(of, 'nats-tls', 'ca.crt') },
    authenticator: nkeyAuthenticator(Buffer.from(seed)),
    inboxPrefix: `_INBOX.${user}`,
    reconnect: false,
  });
}

function secret({ manifests }: Cluster, name: string, key: string): string {
  const found = manifests.find(({ kind, metadata }) => kind === 'Secret' && metadata.name === name);
  return Buffer.from(found?.data?.[key] ?? '', 'base64').toString('utf8');
}

/** The server tells of a violation before it answers the flush behind it. */
function watchViolations(nats: NatsConnection): { after(act: Act): Promise<boolean> } {
  let seen = 0;
  void (async () => {
    for await (const { type, permissionContext } of nats.status())
      if (type === Events.Error && permissionContext) seen++;
  })();
  return {
    after: async (act) => {
      const before = seen;
      await act(nats);
      await nats.flush();
      await new Promise((resolve) => setImmediate(resolve));
      return seen > before;
    },
  };
}
