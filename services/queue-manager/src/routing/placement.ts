/**
 * From a route's targets and what the resolver says of them to one placement: the site and its next hops, or why
 * there is none. Pure. RFC 5321 §5.1, RFC 7505 §4.1.
 */
import { isIP } from 'node:net';
import type { Diagnostic, RouteDecision, RouteTarget } from '@postrider/mail';
import type { Destination, LocateAnswer, MailExchanger, NextHop } from '@postrider/protocol';
import { isFullName } from '../settings.js';
import { exchangersName, targetName } from './site-name.js';

export type Placement =
  | { readonly kind: 'site'; readonly site: string; readonly destination: Destination; readonly rule: string }
  | { readonly kind: 'permanent' | 'temporary'; readonly diagnostic: Diagnostic; readonly rule: string };

/** What to ask of dns-resolver for a target. */
export type Question =
  { readonly ask: 'locate'; readonly domain: string } | { readonly ask: 'resolve'; readonly host: string };

/** One target with its answer; `answer` is absent where nothing had to be asked. */
export interface LocatedTarget {
  readonly target: RouteTarget;
  readonly answer?: LocateAnswer;
}

type Verdict =
  | {
      readonly kind: 'hops';
      readonly via: 'smtp' | 'lmtp';
      readonly name: string;
      readonly hops: readonly NextHop[];
    }
  | { readonly kind: 'place'; readonly name: string; readonly destination: Destination }
  | { readonly kind: 'permanent' | 'temporary'; readonly diagnostic: Diagnostic };

/** SMTP between MTAs, RFC 5321 §4.5.4.2. */
const smtpPort = 25;

/** undefined: no question, the target says all. */
export function questionOf(target: RouteTarget, domain: string, hostname: string): Question | undefined {
  if (target.via === 'mx')
    return isFullName(hostname) ? { ask: 'locate', domain: target.domain ?? domain } : undefined;
  if (target.via !== 'smtp' && target.via !== 'lmtp') return undefined;
  return isIP(target.host) === 0 ? { ask: 'resolve', host: target.host } : undefined;
}

/**
 * Fail-over: hops of all targets that can be located, in order, as long as they speak the first one's protocol. A
 * target of another kind takes its turn only when none before it could be located.
 */
export function placementOf(
  decision: RouteDecision,
  located: readonly LocatedTarget[],
  hostname: string,
): Placement {
  const verdicts = located.map(({ target, answer }) => verdictOf(target, answer, hostname));
  const first = verdicts.find((verdict) => verdict.kind === 'hops' || verdict.kind === 'place');
  const { rule } = decision;
  if (first?.kind === 'place')
    return { kind: 'site', site: first.name, destination: first.destination, rule };
  if (first?.kind === 'hops') return { ...hopsOf(verdicts, first.via), rule };
  const failed = verdicts.flatMap((verdict) =>
    verdict.kind === 'permanent' || verdict.kind === 'temporary' ? [verdict] : [],
  );
  const worst = failed.find(({ kind }) => kind === 'temporary') ?? failed[0];
  return worst === undefined
    ? { ...temporary('4.3.5', 'the route has no targets'), rule }
    : { ...worst, rule };
}

function hopsOf(verdicts: readonly Verdict[], via: 'smtp' | 'lmtp') {
  const usable = verdicts.flatMap((verdict) =>
    verdict.kind === 'hops' && verdict.via === via ? [verdict] : [],
  );
  const nextHops: NextHop[] = [];
  for (const { hops } of usable) {
    // Behind all of the targets before it: the worker shuffles only hops of one preference.
    const base = nextHops.reduce((highest, { preference }) => Math.max(highest, preference + 1), 0);
    nextHops.push(...hops.map((hop) => ({ ...hop, preference: base + hop.preference })));
  }
  const [head, ...rest] = nextHops;
  if (head === undefined) return temporary('4.4.3', 'no next hop has an address');
  const destination: Destination = { kind: via, nextHops: [head, ...rest] };
  return { kind: 'site' as const, site: usable.map(({ name }) => name).join('|'), destination };
}

function verdictOf(target: RouteTarget, answer: LocateAnswer | undefined, hostname: string): Verdict {
  switch (target.via) {
    case 'maildir':
      return {
        kind: 'place',
        name: targetName(target),
        destination: { kind: 'maildir', folder: target.folder },
      };
    case 'discard':
      return { kind: 'place', name: targetName(target), destination: { kind: 'discard' } };
    case 'fail':
      return { kind: 'permanent', diagnostic: { status: '5.7.1', text: target.text } };
    case 'mx':
      return isFullName(hostname)
        ? exchangersVerdict(answer, hostname)
        : temporary('4.3.5', 'outbound off: set hostname');
    case 'smtp':
    case 'lmtp':
      return namedHostVerdict(target, answer);
  }
}

function exchangersVerdict(answer: LocateAnswer | undefined, hostname: string): Verdict {
  if (answer === undefined) return temporary('4.4.3', 'no answer from dns-resolver');
  switch (answer.result) {
    case 'exchangers': {
      const before = withoutOurselves(answer.exchangers, hostname.toLowerCase());
      if (before.length === 0)
        return permanent('5.4.6', `the best mail exchanger is this host, ${hostname}: loop`);
      const name = exchangersName(answer.exchangers.map(({ host }) => host));
      return {
        kind: 'hops',
        via: 'smtp',
        name,
        hops: before.map((exchanger) => ({ ...exchanger, port: smtpPort, ...signature(answer.source) })),
      };
    }
    case 'null-mx':
      // RFC 7505 §4.1
      return permanent('5.1.10', 'the domain takes no mail (null MX)');
    case 'no-such-domain':
      return permanent('5.1.2', answer.text);
    case 'temporary':
      return temporary('4.4.3', answer.text);
  }
}

/** RFC 8689 §4.2.1 (2): the resolver checks no DNSSEC, and there is no MTA-STS yet. */
const signature = (source: string): Pick<NextHop, 'unsigned'> => (source === 'mx' ? { unsigned: true } : {});

/** RFC 5321 §5.1: when we are an exchanger of the domain, only those of lower preference than ours are tried. */
function withoutOurselves(exchangers: readonly MailExchanger[], hostname: string): readonly MailExchanger[] {
  const own = exchangers.find(({ host }) => host === hostname);
  return own === undefined ? exchangers : exchangers.filter(({ preference }) => preference < own.preference);
}

/** A named host that can't be found is the operator's mistake or the resolver's: the mail waits, it does not bounce. */
function namedHostVerdict(
  target: Extract<RouteTarget, { readonly via: 'smtp' | 'lmtp' }>,
  answer: LocateAnswer | undefined,
): Verdict {
  const name = targetName(target);
  const literal: MailExchanger = { host: target.host, preference: 0, addresses: [target.host] };
  if (isIP(target.host) !== 0)
    return { kind: 'hops', via: target.via, name, hops: [{ ...literal, port: target.port }] };
  if (answer?.result === 'exchangers') {
    const hops = answer.exchangers.map((exchanger) => ({ ...exchanger, port: target.port }));
    return { kind: 'hops', via: target.via, name, hops };
  }
  const why = answer !== undefined && 'text' in answer ? answer.text : 'not found';
  return temporary('4.4.3', `next hop ${target.host}: ${why}`);
}

const temporary = (status: string, text: string) => ({
  kind: 'temporary' as const,
  diagnostic: { status, text },
});
const permanent = (status: string, text: string) => ({
  kind: 'permanent' as const,
  diagnostic: { status, text },
});
