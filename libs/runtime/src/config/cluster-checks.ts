/** With outside NATS processes come and go on many hosts: what binds mail to one of them, or opens a relay there. */
import { BlockList } from 'node:net';
import type { Finding } from './cross-checks.js';
import type { Config } from './schema.js';

/** @returns errors; none with our own server */
export function* checkCluster(config: Config): Generator<Finding> {
  const { nats, hostname, local, routes } = config;
  if (nats.servers.length === 0) return;
  if (nats.creds_file !== '' && nats.nkey_file !== '')
    yield {
      path: ['nats', 'nkey_file'],
      text: 'and nats.creds_file are two ways to show who we are: use one',
    };
  if (!hostname.includes('.'))
    yield {
      path: ['hostname'],
      with: ['nats', 'servers'],
      text: 'with outside NATS it must be a full name, as in mx.example.org: that of a host or a pod means nothing to peers',
    };
  if (local.domains.length > 0 && local.deliver.via === 'maildir')
    yield {
      path: ['local', 'deliver'],
      with: ['local', 'domains'],
      text: `maildir: ${boundToOneHost}: use lmtp://host:port or smtp://host:port`,
    };
  for (const [key, targets] of Object.entries(routes))
    if (targets.some(({ via }) => via === 'maildir'))
      yield { path: ['routes', key], text: `maildir: ${boundToOneHost}` };
}

const boundToOneHost = 'with outside NATS would bind mail to whatever host the worker is on';

interface Range {
  readonly name: string;
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

/** RFC 1918 §3, RFC 6598 §7, RFC 4193 §3.1: pods, nodes and the neighbours of a provider have them all. */
const privateRanges: readonly Range[] = [
  { name: '10.0.0.0/8', address: '10.0.0.0', prefix: 8, family: 'ipv4' },
  { name: '172.16.0.0/12', address: '172.16.0.0', prefix: 12, family: 'ipv4' },
  { name: '192.168.0.0/16', address: '192.168.0.0', prefix: 16, family: 'ipv4' },
  { name: '100.64.0.0/10', address: '100.64.0.0', prefix: 10, family: 'ipv4' },
  { name: 'fc00::/7', address: 'fc00::', prefix: 7, family: 'ipv6' },
];

/** @returns what is to be looked at: it works, and may relay for more than was meant */
export function clusterWarnings({ nats, relay }: Config): Finding[] {
  if (nats.servers.length === 0) return [];
  return relay.networks.flatMap(({ address, prefix, family }, index) => {
    const network = new BlockList();
    network.addSubnet(address, prefix, family);
    return privateRanges
      .filter((range) => range.family === family && prefix <= range.prefix)
      .filter((range) => network.check(range.address, range.family))
      .map(({ name }) => ({
        path: ['relay', 'networks', index],
        text: `${address}/${prefix} holds all of ${name}: whoever reaches a pod from there may relay; name only your own`,
      }));
  });
}
