/** Where outbound mail goes through, from the configuration. */
import type { Proxy } from '../dial.js';
import type { Config } from './schema.js';

/** @returns undefined where next hops are reached straight */
export function outboundProxy({ outbound }: Config): Proxy | undefined {
  const { proxy, proxy_password_file: passwordFile } = outbound;
  return typeof proxy === 'string' ? undefined : { ...proxy, passwordFile };
}
