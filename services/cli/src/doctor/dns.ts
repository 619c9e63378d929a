/** DNS as the doctor asks it: absent is an empty list, a nameserver that fails is an error. */
import { Resolver } from 'node:dns/promises';

export interface Dns {
  addresses(name: string): Promise<readonly string[]>;
  /** PTR names, lower case. */
  names(address: string): Promise<readonly string[]>;
  texts(name: string): Promise<readonly string[]>;
  /** Exchangers, best first, lower case. */
  exchangers(domain: string): Promise<readonly string[]>;
}

const absent = new Set(['ENOTFOUND', 'ENODATA']);

/** @param servers none: the system's */
export function systemDns(servers: readonly string[]): Dns {
  const resolver = new Resolver({ timeout: 3_000, tries: 2 });
  if (servers.length > 0) resolver.setServers([...servers]);
  const found = async <T>(answer: Promise<readonly T[]>): Promise<readonly T[]> => {
    try {
      return await answer;
    } catch (error) {
      if (absent.has((error as NodeJS.ErrnoException).code ?? '')) return [];
      throw error;
    }
  };
  return {
    addresses: async (name) =>
      (await Promise.all([found(resolver.resolve4(name)), found(resolver.resolve6(name))])).flat(),
    names: async (address) => (await found(resolver.reverse(address))).map((name) => name.toLowerCase()),
    texts: async (name) => (await found(resolver.resolveTxt(name))).map((parts) => parts.join('')),
    exchangers: async (domain) =>
      [...(await found(resolver.resolveMx(domain)))]
        .sort((a, b) => a.priority - b.priority)
        .map(({ exchange }) => exchange.toLowerCase()),
  };
}
