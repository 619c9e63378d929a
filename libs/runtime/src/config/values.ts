/** Values with a form of their own: sizes, durations, networks, addresses, domains, route targets. */
import {
  parseAccessRule,
  parseNetwork,
  parseRouteTarget,
  type AccessRule,
  type RouteTarget,
  type RouteTargets,
} from '@postrider/mail';
import { limits } from '@postrider/smtp';
import { z } from 'zod';

const sizeUnits: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
};
const durationUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const size = quantity(sizeUnits, 'a size with its unit, KiB MiB GiB, as in 50MiB');
const time = quantity(durationUnits, 'a duration with its unit, ms s m h d, as in 5m');
/** A size such as `50MiB`, in octets. */
export const octets = (preset: string) => size.prefault(preset);
/** A duration such as `5m`, in milliseconds. */
export const duration = (preset: string) => time.prefault(preset);
export const octetsIfSet = ifSet((value) => size.safeParse(value));
/** Of a line; as much as a server must take, whatever is configured. */
const lineSize = size.refine((value) => value >= limits.commandLineAtLeast, {
  error: `must be ${limits.commandLineAtLeast}B at least (RFC 5321 §4.5.3.1.4, and what extensions add)`,
});
export const lineOctets = (preset: string) => lineSize.prefault(preset);
export const lineOctetsIfSet = ifSet((value) => lineSize.safeParse(value));
/** Of a line of mail; 0B: as long as it comes. */
const textLineSize = size.refine((value) => value === 0 || value >= limits.textLineAtLeast, {
  error: `must be ${limits.textLineAtLeast}B at least (RFC 5321 §4.5.3.1.6), or 0B for no limit`,
});
export const textLine = (preset: string) => textLineSize.prefault(preset);
export const textLineIfSet = ifSet((value) => textLineSize.safeParse(value));
export const durationIfSet = ifSet((value) => time.safeParse(value));

function quantity(units: Readonly<Record<string, number>>, form: string) {
  return z.unknown().transform((value, context) => {
    const match =
      typeof value === 'string' ? /^([0-9]+(?:\.[0-9]+)?) ?([A-Za-z]+)$/.exec(value.trim()) : null;
    const unit = match?.[2] === undefined ? undefined : units[match[2]];
    if (unit === undefined) {
      context.addIssue({ code: 'custom', message: `must be ${form}` });
      return z.NEVER;
    }
    return Math.round(Number(match?.[1]) * unit);
  });
}

/** Without a default: undefined where the key is not there. */
function ifSet(parse: (value: unknown) => z.ZodSafeParseResult<number>) {
  return z
    .unknown()
    .transform((value, context): number | undefined => {
      if (value === undefined) return undefined;
      const parsed = parse(value);
      if (parsed.success) return parsed.data;
      const message = parsed.error.issues[0]?.message ?? '';
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    })
    .optional();
}

/** `127.0.0.0/8` or one address. */
export const network = z.string().transform((text, context) => {
  const range = parseNetwork(text);
  if (range) return { text, ...range };
  context.addIssue({ code: 'custom', message: 'must be a network, as in 192.0.2.0/24 or 2001:db8::/32' });
  return z.NEVER;
});

/** `host:port`, IPv6 in brackets. */
export const listenAddress = z.string().transform((text, context) => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):([0-9]{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || port > 65535) {
    context.addIssue({ code: 'custom', message: 'must be address:port, as in 127.0.0.1:2525 or [::1]:2525' });
    return z.NEVER;
  }
  return { host, port };
});

/** `socks5://user@host:port`; the password stands in a file, not here. */
export const socksProxy = z.string().transform((text, context) => {
  const match =
    /^socks5:\/\/(?:([^:@/\s]{1,255})@)?(?:\[([0-9a-fA-F:.]+)\]|([^:@[\]/\s]+)):([0-9]{1,5})$/.exec(text);
  const port = Number(match?.[4]);
  const host = match?.[2] ?? match?.[3];
  if (host === undefined || port === 0 || port > 65535) {
    context.addIssue({ code: 'custom', message: 'must be socks5://[user@]host:port, without a password' });
    return z.NEVER;
  }
  return { host, port, user: match?.[1] ?? '' };
});

const label = '[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
const domainPattern = new RegExp(`^${label}(?:\\.${label})*$`);

/** RFC 5321 §4.1.2 Domain; lower case in what is given on. */
export const domain = z.string().regex(domainPattern, 'must be a domain, as in mx.example.org').toLowerCase();
/** A domain, or `.suffix` for all under it. */
export const domainOrSuffix = z
  .string()
  .regex(new RegExp(`^\\.?${label}(?:\\.${label})*$`), 'must be a domain, or .suffix for all under it')
  .toLowerCase();
/** A key of `routes`. */
export const decision = z
  .string()
  .regex(
    new RegExp(`^(?:\\*|\\[[0-9A-Za-z:.]+\\]|\\.?${label}(?:\\.${label})*)$`),
    "must be a domain, '.suffix' or '*'",
  )
  .toLowerCase();

/** One line of libs/mail access.ts. */
export const accessRule = z.string().transform((text, context): AccessRule => {
  const rule = parseAccessRule(text);
  if ('error' in rule) {
    context.addIssue({ code: 'custom', message: rule.error });
    return z.NEVER;
  }
  return rule;
});

export const routeTarget = z.string().transform((text, context): RouteTarget => {
  const target = parseRouteTarget(text);
  if ('error' in target) {
    context.addIssue({ code: 'custom', message: target.error });
    return z.NEVER;
  }
  return target;
});

/** One target or a list of them, tried in order. */
export const routeTargets = z
  .union([routeTarget.transform((target): RouteTargets => [target]), z.tuple([routeTarget], routeTarget)])
  .transform((targets): RouteTargets => targets);
