/** Networks as they are compared: IPv4 and IPv6 in one list. */
import { BlockList, isIP } from 'node:net';
import type { Config } from '@postrider/runtime';

export type Network = Config['relay']['networks'][number];

export function networksOf(networks: readonly Network[]): BlockList {
  const list = new BlockList();
  for (const { address, prefix, family } of networks) list.addSubnet(address, prefix, family);
  return list;
}

/** @param address IPv4 or IPv6; anything else is in no network */
export function isIn(address: string, networks: BlockList): boolean {
  const family = isIP(address);
  return family !== 0 && networks.check(address, family === 6 ? 'ipv6' : 'ipv4');
}
