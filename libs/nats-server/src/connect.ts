/**
 * One way to connect to NATS for all who do: credentials, endless reconnects, and options that notice a dead
 * server in seconds.
 */
import { readFile } from 'node:fs/promises';
import { connect, credsAuthenticator, type ConnectionOptions, type NatsConnection } from 'nats';

/** Where NATS is and how we show who we are. Our own server's stands in `<data_dir>/nats/connection.json`. */
export interface NatsAddress {
  readonly servers: readonly string[];
  readonly user?: string;
  readonly password?: string;
  readonly credsFile?: string;
  readonly caFile?: string;
}

/**
 * @param name shown in the server's connection list: `<service>/<purpose>`
 * @throws NatsError when no server answers within 5 s; after a first success it reconnects for ever
 */
export async function connectNats(address: NatsAddress, name: string): Promise<NatsConnection> {
  const options: ConnectionOptions = {
    servers: [...address.servers],
    name,
    timeout: 5_000,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    pingInterval: 10_000,
    maxPingOut: 2,
    inboxPrefix: '_INBOX',
  };
  if (address.user !== undefined) options.user = address.user;
  if (address.password !== undefined) options.pass = address.password;
  if (address.credsFile !== undefined)
    options.authenticator = credsAuthenticator(await readFile(address.credsFile));
  if (address.caFile !== undefined) options.tls = { caFile: address.caFile };
  return connect(options);
}
