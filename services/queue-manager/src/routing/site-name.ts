/**
 * A site's name: the same for all domains that one set of exchangers serves, so that they share its limits. The
 * site's owner follows from it: shard `hash(site) mod shards`.
 */
import type { RouteTarget } from '@postrider/mail';

export type NamedTarget = Exclude<RouteTarget, { readonly via: 'mx' | 'fail' }>;

/** Host names of the whole MX set, sorted: their preferences don't matter for what the provider can bear. */
export function exchangersName(hosts: readonly string[]): string {
  return [...new Set(hosts)].sort().join(',');
}

export function targetName(target: NamedTarget): string {
  switch (target.via) {
    case 'smtp':
    case 'lmtp':
      return `${target.via}://${target.host.includes(':') ? `[${target.host}]` : target.host}:${target.port}`;
    case 'maildir':
      return `maildir:${target.folder}`;
    case 'discard':
      return 'discard';
  }
}

/** Shard whose owner keeps the site's limit. @param shards in the order that every queue-manager sorts them */
export function shardOfSite(site: string, shards: readonly string[]): string | undefined {
  return shards[fnv1a(site) % shards.length];
}

/** FNV-1a, 32 bits: every process computes the same. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
