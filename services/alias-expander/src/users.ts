/** Which local users there are, by `local.users`. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '@postrider/runtime';
import type { LocalUsers } from './expansion.js';

/** What a folder may be called: no way out of the Maildirs' folder. */
const plainName = /^[a-z0-9_+=~^-][a-z0-9._+=~^-]{0,63}$/;

export function localUsers({ local }: Config): LocalUsers {
  const listed = new Set(local.list.map((name) => name.toLowerCase()));
  const domains = new Set<string>(local.domains);
  return {
    isLocalDomain: (domain) => domains.has(domain),
    exists: (localPart) => {
      switch (local.users) {
        case 'any':
          return true;
        case 'listed':
          return listed.has(localPart);
        case 'existing':
          return (
            local.deliver.via === 'maildir' &&
            plainName.test(localPart) &&
            existsSync(join(local.deliver.folder, localPart))
          );
      }
    },
  };
}
