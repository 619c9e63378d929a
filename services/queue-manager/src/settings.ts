/** What queue-manager reads from the configuration; all of it is hot: a reload takes effect with the next mail. */
import type { Routing } from '@postrider/mail';
import type { Config } from '@postrider/runtime';

export interface Settings {
  readonly routing: Routing;
  /** '' = not set: mail that would go by MX stays deferred. */
  readonly hostname: string;
  readonly postmaster: string;
  readonly channelsPerSite: number;
  readonly queue: QueuePolicy;
}

/** Durations in milliseconds. */
export interface QueuePolicy {
  readonly retry: { readonly first: number; readonly max: number };
  readonly expire: number;
  readonly expire_bounces: number;
  readonly warn: number;
}

export function settingsOf(config: Config): Settings {
  return {
    routing: {
      localDomains: config.local.domains,
      localTarget: config.local.deliver,
      routes: new Map(Object.entries(config.routes)),
    },
    hostname: config.hostname,
    postmaster:
      config.postmaster === '' ? `postmaster@${nameOrLocalhost(config.hostname)}` : config.postmaster,
    channelsPerSite: config.outbound.channels_per_site,
    queue: config.queue,
  };
}

/** Reporting-MTA of a DSN needs a name, also before one is configured. */
export const nameOrLocalhost = (hostname: string): string => (hostname === '' ? 'localhost' : hostname);

/** May mail go out by MX? RFC 5321 §2.3.5, §4.1.1.1: the EHLO name is a full one. */
export const isFullName = (hostname: string): boolean => hostname.includes('.');
