/**
 * Where mail for a domain goes: local delivery first, then the routes table - exact domain, longest `.suffix`,
 * `*` - whatever order it is written in.
 */

/** One next hop of a route. */
export type RouteTarget =
  | { readonly via: 'smtp' | 'lmtp'; readonly host: string; readonly port: number }
  /** Exchangers of the recipient's domain, or of another one. */
  | { readonly via: 'mx'; readonly domain?: string }
  | { readonly via: 'maildir'; readonly folder: string }
  | { readonly via: 'discard' }
  | { readonly via: 'fail'; readonly text: string };

/** Fail-over order: the next target is tried when the one before can't be reached. */
export type RouteTargets = readonly [RouteTarget, ...RouteTarget[]];

export interface Routing {
  /** Domains of `local.domains`, lower case. */
  readonly localDomains: readonly string[];
  readonly localTarget: RouteTarget;
  /** Keys lower case: a domain, `.suffix` or `*`. */
  readonly routes: ReadonlyMap<string, RouteTargets>;
}

export interface RouteDecision {
  /** The rule that decided: `local.domains`, or a key of `routes`, or `default` (mx). */
  readonly rule: string;
  readonly targets: RouteTargets;
}

/**
 * Reads one target as written in the configuration: `smtp://host:port`, `lmtp://host:port`, `mx`, `mx:domain`,
 * `maildir:folder`, `discard:`, `fail:text`.
 * @returns the target, or a sentence that says what would be right
 */
export function parseRouteTarget(text: string): RouteTarget | { readonly error: string } {
  const [scheme, rest] = splitOnce(text, ':');
  switch (scheme) {
    case 'smtp':
    case 'lmtp':
      return parseHop(scheme, rest);
    case 'mx':
      return rest === '' ? { via: 'mx' } : { via: 'mx', domain: rest.toLowerCase() };
    case 'maildir':
      return rest === ''
        ? { error: 'maildir: needs a folder, as in maildir:./var/mail' }
        : { via: 'maildir', folder: rest };
    case 'discard':
      return { via: 'discard' };
    case 'fail':
      return { via: 'fail', text: rest.trim() === '' ? 'Address is not served here' : rest.trim() };
    default:
      return {
        error: `unknown target '${text}': use smtp://host:port, lmtp://host:port, mx, mx:domain, maildir:folder, discard: or fail:text`,
      };
  }
}

/** The targets for a recipient's domain (lower case, or an address literal in brackets). */
export function decideRoute(domain: string, routing: Routing): RouteDecision {
  if (routing.localDomains.includes(domain)) return { rule: 'local.domains', targets: [routing.localTarget] };
  for (const key of candidates(domain)) {
    const targets = routing.routes.get(key);
    if (targets) return { rule: key, targets };
  }
  return { rule: 'default', targets: [{ via: 'mx' }] };
}

/** Keys that may match, the most exact first. */
function* candidates(domain: string): Generator<string> {
  yield domain;
  for (let dot = domain.indexOf('.'); dot !== -1; dot = domain.indexOf('.', dot + 1)) yield domain.slice(dot);
  yield '*';
}

function parseHop(via: 'smtp' | 'lmtp', rest: string): RouteTarget | { readonly error: string } {
  const match = /^\/\/(?:\[([0-9a-fA-F:.]+)\]|([^/:\s]+))(?::([0-9]{1,5}))?\/?$/.exec(rest);
  const port = match?.[3] === undefined ? (via === 'smtp' ? 25 : 24) : Number(match[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || port < 1 || port > 65535)
    return { error: `${via}:${rest} is no next hop: use ${via}://host:port` };
  return { via, host, port };
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}
