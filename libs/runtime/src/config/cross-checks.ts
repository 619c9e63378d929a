/** What two keys say together, and what would make an open relay. */
import { isMailbox } from '@postrider/smtp';
import { checkCluster } from './cluster-checks.js';
import { authMode, isSubmission } from './listener.js';
import { checkOauth } from './oauth.js';
import type { Config } from './schema.js';
import type { Path } from './tree.js';

export interface Finding {
  readonly path: Path;
  readonly text: string;
  /** The key that makes it wrong, for its place where the first one is a default. */
  readonly with?: Path;
}

export function crossChecks(config: Config): Finding[] {
  return [
    ...checkLocal(config),
    ...checkRelay(config),
    ...checkTrusted(config),
    ...checkClientNetworks(config),
    ...checkRoutes(config),
    ...checkNats(config),
    ...checkCluster(config),
    ...checkListeners(config),
    ...checkTls(config),
    ...checkAuth(config),
    ...checkOauth(config),
    ...checkQueue(config),
    ...checkProxy(config),
  ];
}

function* checkLocal({ local }: Config): Generator<Finding> {
  if (local.users === 'any' && local.domains.some((domain) => domain !== 'localhost'))
    yield {
      path: ['local', 'users'],
      with: ['local', 'domains'],
      text: 'any is only for local.domains [localhost]: it takes mail for every name; use existing or listed',
    };
  if (local.list.length > 0 && local.users !== 'listed')
    yield { path: ['local', 'list'], text: `is read only with local.users: listed (it is ${local.users})` };
  for (const [index, name] of local.list.entries())
    if (isMailbox(name))
      yield { path: ['local', 'list', index], text: `'${name}': a name stands here without its @domain` };
  if (local.deliver.via === 'mx' && local.deliver.domain === undefined)
    yield {
      path: ['local', 'deliver'],
      text: 'mx would send mail for our own domains back to us: use maildir:folder, lmtp://host:port or smtp://host:port',
    };
}

/** 0.0.0.0/0 is all the world: an open relay. */
function* checkRelay({ relay }: Config): Generator<Finding> {
  for (const [index, { text, prefix }] of relay.networks.entries())
    if (prefix === 0)
      yield {
        path: ['relay', 'networks', index],
        text: `${text} would relay mail for all the world: name your own networks`,
      };
}

/** Whoever may say that he is somebody else may be a client of relay.networks: an open relay again. */
function* checkTrusted({ listeners }: Config): Generator<Finding> {
  for (const [name, listener] of Object.entries(listeners))
    for (const key of ['proxy_from', 'xclient_from'] as const)
      for (const [index, { text, prefix }] of listener[key].entries())
        if (prefix === 0)
          yield {
            path: ['listeners', name, key, index],
            text: `${text} would let all the world say who it is: name your own hosts`,
          };
}

/** Of two names for one network neither would be the narrower. */
function* checkClientNetworks({ limits }: Config): Generator<Finding> {
  const named = new Map<string, string>();
  for (const [name, { networks }] of Object.entries(limits.networks))
    for (const [index, { text, octets, prefix }] of networks.entries()) {
      const range = `${octets.join('.')}/${prefix}`;
      const other = named.get(range);
      if (other !== undefined && other !== name)
        yield {
          path: ['limits', 'networks', name, 'networks', index],
          text: `${text} is limits.networks.${other}'s already`,
        };
      named.set(range, name);
    }
}

/** Fail-over is for hosts that can be away; a maildir or a refusal always succeeds. */
function* checkRoutes({ routes }: Config): Generator<Finding> {
  for (const [key, targets] of Object.entries(routes)) {
    if (targets.length < 2) continue;
    for (const [index, { via }] of targets.entries())
      if (via !== 'smtp' && via !== 'lmtp' && via !== 'mx')
        yield {
          path: ['routes', key, index],
          text: `${via}: can't stand in a list: a list is fail-over among smtp://, lmtp:// and mx`,
        };
  }
}

function* checkNats({ nats, spool }: Config): Generator<Finding> {
  if (nats.servers.length > 0) return;
  if (nats.creds_file !== '')
    yield { path: ['nats', 'creds_file'], text: 'needs nats.servers: our own server makes its credentials' };
  if (nats.nkey_file !== '')
    yield { path: ['nats', 'nkey_file'], text: 'needs nats.servers: our own server makes its credentials' };
  if (nats.ca_file !== '')
    yield { path: ['nats', 'ca_file'], text: 'needs nats.servers: our own server is on loopback' };
  if (spool.replicas === 3 || spool.replicas === 5)
    yield {
      path: ['spool', 'replicas'],
      text: `${spool.replicas} needs a cluster in nats.servers; our own server keeps 1`,
    };
}

function* checkListeners({ listeners }: Config): Generator<Finding> {
  const taken = new Map<string, string>();
  for (const [name, { listen, role }] of Object.entries(listeners))
    for (const [index, { host, port }] of listen.entries()) {
      const address = `${host} port ${port}`;
      // RFC 2033 §5
      if (role === 'lmtp' && port === 25)
        yield {
          path: ['listeners', name, 'listen', index],
          text: 'port 25 is for SMTP: LMTP must not use it',
        };
      const other = taken.get(address);
      if (other !== undefined && port !== 0)
        yield {
          path: ['listeners', name, 'listen', index],
          text: `${address} is listener ${other}'s already`,
        };
      taken.set(address, name);
    }
}

/** Who may send is asked of the identity on these; without TLS nobody could show one. */
function* checkAuth({ listeners }: Config): Generator<Finding> {
  for (const [name, { role, auth, tls }] of Object.entries(listeners)) {
    // Told by checkTls already.
    if (role === 'submissions' && tls.mode === 'off') continue;
    const path = ['listeners', name, 'auth'];
    if (isSubmission(role) && (auth.mode === 'off' || auth.mode === 'offered'))
      yield {
        path: [...path, 'mode'],
        text: `${role} is for clients that authenticate: use auto or required`,
      };
    if (authMode({ role, auth }) === 'required' && tls.mode === 'off' && !auth.without_tls)
      yield {
        path: ['listeners', name, 'tls', 'mode'],
        text: 'off, and auth.without_tls is not set: nobody could authenticate',
      };
  }
}

/** A certificate is nothing without its key, and where TLS comes first there is no session without it. */
function* checkTls({ listeners }: Config): Generator<Finding> {
  for (const [name, { role, tls }] of Object.entries(listeners)) {
    const path = ['listeners', name, 'tls'];
    if ((tls.certificate_file === '') !== (tls.key_file === ''))
      yield {
        path: [...path, tls.key_file === '' ? 'key_file' : 'certificate_file'],
        with: [...path, tls.key_file === '' ? 'certificate_file' : 'key_file'],
        text: 'certificate_file and key_file are set together',
      };
    if (role === 'submissions' && tls.mode === 'off')
      yield {
        path: [...path, 'mode'],
        text: 'submissions is TLS from the first octet on: it can not be off',
      };
  }
}

function* checkQueue({ queue }: Config): Generator<Finding> {
  if (queue.retry.first > queue.retry.max)
    yield {
      path: ['queue', 'retry', 'first'],
      with: ['queue', 'retry', 'max'],
      text: 'must not be longer than queue.retry.max',
    };
  if (queue.retry.first === 0) yield { path: ['queue', 'retry', 'first'], text: 'must be longer than 0' };
}

/** A password without a user is never asked for. */
function* checkProxy({ outbound }: Config): Generator<Finding> {
  if (outbound.proxy_password_file !== '' && (outbound.proxy === '' || outbound.proxy.user === ''))
    yield {
      path: ['outbound', 'proxy_password_file'],
      text: 'needs a user in outbound.proxy: socks5://user@host:port',
    };
}
