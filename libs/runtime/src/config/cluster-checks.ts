/** With outside NATS processes come and go on many hosts: what binds mail to one of them, or opens a relay there. */
import { coversNetwork, parseNetwork } from '@postrider/mail';
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

/** RFC 1918 §3, RFC 6598 §7, RFC 4193 §3.1: pods, nodes and the neighbours of a provider have them all. */
const privateRanges = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'].flatMap(
  (text) => {
    const range = parseNetwork(text);
    return range ? [{ text, range }] : [];
  },
);

/** @returns what is to be looked at: it works, and may relay for more than was meant */
export function clusterWarnings({ nats, relay }: Config): Finding[] {
  if (nats.servers.length === 0) return [];
  return relay.networks.flatMap((network, index) =>
    privateRanges
      .filter(({ range }) => coversNetwork(network, range))
      .map(({ text }) => ({
        path: ['relay', 'networks', index],
        text: `${network.text} holds all of ${text}: whoever reaches a pod from there may relay; name only your own`,
      })),
  );
}
