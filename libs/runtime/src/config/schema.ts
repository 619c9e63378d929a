/**
 * The configuration (DESIGN §6): every key with its default, unit and bounds. Names are a contract: extend, never
 * rename. Sizes become octets, durations milliseconds, by way of values.ts.
 */
import { z } from 'zod';
import { limits } from './limits.js';
import { listener } from './listener.js';
import { oauth } from './oauth.js';
import {
  accessRule,
  decision,
  domain,
  domainOrSuffix,
  duration,
  listenAddress,
  network,
  octets,
  routeTarget,
  routeTargets,
  socksProxy,
} from './values.js';

const audience = z.enum(['all', 'authenticated', 'networks', 'nobody']);

export const configSchema = z.strictObject({
  version: z.literal(1).default(1),
  /** Banner, EHLO, Received. '' = not set. */
  hostname: z.union([z.literal(''), domain]).default(''),
  postmaster: z.string().default(''),
  data_dir: z.string().min(1).default('./var'),
  nats: z
    .strictObject({
      servers: z.array(z.string().min(1)).default([]),
      creds_file: z.string().default(''),
      nkey_file: z.string().default(''),
      ca_file: z.string().default(''),
    })
    .prefault({}),
  spool: z
    .strictObject({
      shards: z.int().min(1).max(1024).default(1),
      replicas: z.union([z.literal('auto'), z.literal(1), z.literal(3), z.literal(5)]).default('auto'),
      max_size: octets('10GiB'),
    })
    .prefault({}),
  listeners: z
    .record(z.string().regex(/^[a-z][a-z0-9-]*$/, 'must be a name in lower case, as in mx'), listener)
    .prefault({ mx: { role: 'mx', listen: ['127.0.0.1:2525', '[::1]:2525'] } }),
  limits,
  relay: z
    .strictObject({
      networks: z.array(network).prefault(['127.0.0.0/8', '::1/128']),
      domains: z.array(domainOrSuffix).default([]),
    })
    .prefault({}),
  /** Whose mail may go before others', besides that of who has authenticated (RFC 6710). */
  priority: z.strictObject({ networks: z.array(network).prefault([]) }).prefault({}),
  /** Who may ask what; networks: those of `relay`, and whoever has authenticated. */
  privacy: z
    .strictObject({
      vrfy: audience.default('nobody'),
      expn: audience.default('nobody'),
      etrn: audience.default('nobody'),
      help: audience.default('all'),
      /** Before EHLO or HELO nobody may ask any of these. MAIL never comes before them. */
      need_helo: z.boolean().default(false),
      /** After the host name and the protocol. */
      banner: z
        .string()
        .regex(/^[\x20-\x7e]{0,200}$/, 'must be a line of printable US-ASCII')
        .default('Postrider'),
    })
    .prefault({}),
  /** Asked at each recipient, those of the file after these. */
  access: z
    .strictObject({ rules: z.array(accessRule).prefault([]), file: z.string().default('') })
    .prefault({}),
  local: z
    .strictObject({
      domains: z.array(domain).default(['localhost']),
      /** any: whoever is written to; existing: who has a Maildir; listed: see `list`. */
      users: z.enum(['any', 'existing', 'listed']).default('any'),
      /** With `listed`: the local parts. */
      list: z.array(z.string().min(1)).default([]),
      deliver: routeTarget.prefault('maildir:./var/mail'),
    })
    .prefault({}),
  /** Who may authenticate; made by `postrider users`. '' = `users` in data_dir. */
  users: z.strictObject({ file: z.string().default('') }).prefault({}),
  oauth,
  aliases: z.strictObject({ files: z.array(z.string().min(1)).default([]) }).prefault({}),
  routes: z.record(decision, routeTargets).prefault({ '*': 'mx' }),
  dns: z.strictObject({ servers: z.array(z.string().min(1)).default([]) }).prefault({}),
  outbound: z
    .strictObject({
      ehlo: z.union([z.literal(''), domain]).default(''),
      families: z
        .array(z.union([z.literal(4), z.literal(6)]))
        .min(1)
        .default([4, 6]),
      tls: z.enum(['opportunistic', 'off']).default('opportunistic'),
      /** By which next hops are reached by SMTP, as `socks5://egress.example.org:1080`; '' = straight. */
      proxy: z.union([z.literal(''), socksProxy]).prefault(''),
      /** Of the user in `proxy` (RFC 1929). */
      proxy_password_file: z.string().default(''),
      /** Certificates that prove next hops besides the usual ones; '' = none. */
      ca_file: z.string().default(''),
      channels_per_site: z.int().min(1).max(1000).default(20),
      /** Channels one worker process holds. */
      channels: z.int().min(1).default(500),
    })
    .prefault({}),
  queue: z
    .strictObject({
      retry: z.strictObject({ first: duration('5m'), max: duration('4h') }).prefault({}),
      expire: duration('5d'),
      expire_bounces: duration('1d'),
      warn: duration('4h'),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
      format: z.enum(['auto', 'json', 'text']).default('auto'),
    })
    .prefault({}),
  http: z
    .strictObject({ listen: z.union([z.literal(''), listenAddress]).prefault('127.0.0.1:8025') })
    .prefault({}),
  /** After SIGTERM it is not ready, but takes on for so long: balancers lag. */
  shutdown_delay: duration('0s'),
  shutdown_timeout: duration('10s'),
});

export type Config = z.output<typeof configSchema>;
export type Listener = Config['listeners'][string];
