/** What dns-resolver takes from the configuration: `dns.servers` and `outbound.families`. */
import { isIP } from 'node:net';
import { StartError, type Config } from '@postrider/runtime';

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

export interface Settings {
  /** [] = those of the system. */
  readonly servers: readonly ServerAddress[];
  /** Addresses of a host are given in this order of families. */
  readonly families: readonly (4 | 6)[];
}

/** RFC 1035 §4.2 */
export const dnsPort = 53;

/** @throws StartError for a server that is no address */
export function settingsFrom(config: Pick<Config, 'dns' | 'outbound'>): Settings {
  return { servers: config.dns.servers.map(serverAddress), families: config.outbound.families };
}

function serverAddress(text: string): ServerAddress {
  if (isIP(text) !== 0) return { host: text, port: dnsPort };
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::([0-9]{1,5}))?$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? '';
  const port = Number(match?.[3] ?? dnsPort);
  // A name would need a nameserver to find the nameserver.
  if (isIP(host) === 0 || port < 1 || port > 65535)
    throw new StartError(
      `dns.servers: '${text}' is no address: use 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:53`,
    );
  return { host, port };
}

export const serverText = ({ host, port }: ServerAddress): string =>
  isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
