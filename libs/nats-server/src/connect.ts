/**
 * One way to connect to NATS for all who do: credentials, endless reconnects, and options that notice a dead
 * server in seconds.
 */
import { readFile } from 'node:fs/promises';
import {
  connect,
  createInbox,
  credsAuthenticator,
  nkeyAuthenticator,
  type ConnectionOptions,
  type NatsConnection,
} from 'nats';
import { mendClientLibrary } from './client-library.js';
import { watchForCut } from './cut-watch.js';

/** Where NATS is and how we show who we are. Our own server's stands in `<data_dir>/nats/connection.json`. */
export interface NatsAddress {
  readonly servers: readonly string[];
  readonly user?: string;
  readonly password?: string;
  readonly credsFile?: string;
  /** An nkey's seed (`SU…`): the server knows only its public half. */
  readonly nkeyFile?: string;
  readonly caFile?: string;
  /** Under which replies come; a NATS user may be allowed its own alone. Default `_INBOX`. */
  readonly inboxPrefix?: string;
}

/** A connection that nobody waits for long. */
const once: ConnectionOptions = { reconnect: false, timeout: 1_000, ignoreClusterUpdates: true };

const inboxPrefixes = new WeakMap<NatsConnection, string>();

/** A new inbox of this connection, under the prefix that its user may read. */
export const inboxOf = (connection: NatsConnection): string =>
  createInbox(inboxPrefixes.get(connection) ?? '_INBOX');

/**
 * @param name shown in the server's connection list: `<service>/<purpose>`
 * @throws NatsError when no server answers within 3 s; after a first success it reconnects for ever
 */
export async function connectNats(address: NatsAddress, name: string): Promise<NatsConnection> {
  mendClientLibrary();
  const options: ConnectionOptions = {
    servers: [...address.servers],
    name,
    // A server that takes connections may answer nothing.
    timeout: 3_000,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    // A server that is cut off refuses nothing: it is noticed by its silence, in 6 to 9 s.
    pingInterval: 3_000,
    maxPingOut: 2,
    inboxPrefix: address.inboxPrefix ?? '_INBOX',
    // By the host's own resolver, as every other program: the library's asks nameservers for the bare name, which in a pod leaves the
    // search list out, and waits for a nameserver that is away longer than a connection may take.
    resolve: false,
  };
  if (address.user !== undefined) options.user = address.user;
  if (address.password !== undefined) options.pass = address.password;
  if (address.credsFile !== undefined)
    options.authenticator = credsAuthenticator(await readFile(address.credsFile));
  if (address.nkeyFile !== undefined) {
    const seed = (await readFile(address.nkeyFile, 'utf8')).trim();
    options.authenticator = nkeyAuthenticator(Buffer.from(seed));
  }
  if (address.caFile !== undefined) options.tls = { caFile: address.caFile };
  const connection = await connect(options);
  const prefix = options.inboxPrefix;
  if (address.inboxPrefix !== undefined) inboxPrefixes.set(connection, address.inboxPrefix);
  watchForCut({
    connection,
    servers: address.servers,
    open: (server) => connect({ ...options, ...once, servers: [server], name: `${name}/compare` }),
    inbox: () => createInbox(prefix),
  });
  return connection;
}
