/**
 * Access rules: who may send what to whom, beyond what relay control says by itself. One rule a line,
 *
 *   condition=value[,value…] … action
 *
 * all conditions have to hold, one value of each. The first rule that fits decides.
 *
 *   name=mail.example.org, .example.org, - (none)          the client's name by DNS, which has its address
 *   client=192.0.2.0/24     helo=mx.example.org, .example.org     listener=mx     tls=yes|no
 *   from=a@b.example, @b.example, @.example (all under it), <>    to=the same without <>
 *   identity=ann@b.example, * (anybody who authenticated), - (nobody)
 *
 *   relay                   take it, wherever it goes; only with a condition that not everybody can fulfil. Where
 *                           that is to= alone, local parts that name another hop (user%elsewhere) stay refused
 *   accept                  as without rules; no later rule is asked
 *   reject [code status] [text]      550 5.7.1 without
 *   defer [text]            451 4.7.1
 *   discard                 take it, and drop it for this recipient
 *   redirect address        another recipient in the place of this one
 *   hold [text]             take it as without rules; the mail waits until it is released
 *   header Name: value      take it as without rules; the mail has the field on top
 */
import { isDomain, isMailbox, type EnhancedStatus } from '@postrider/smtp';
import { isInNetwork, parseNetwork } from './network.js';

export interface AccessFacts {
  readonly client: string;
  /** By DNS: absent for none, and where no rule asks for it. */
  readonly name?: string;
  readonly helo: string;
  readonly listener: string;
  readonly tls: boolean;
  readonly identity?: string;
  /** '' is the null reverse-path. */
  readonly from: string;
  readonly to: string;
}

export type AccessAction =
  | { readonly act: 'accept' | 'discard' }
  /** `clients`: the rule names who may; else whoever may is anybody, and only where the mail goes is named. */
  | { readonly act: 'relay'; readonly clients: boolean }
  | { readonly act: 'redirect'; readonly to: string }
  | { readonly act: 'hold'; readonly reason: string }
  /** A field of a header, without CRLF. */
  | { readonly act: 'header'; readonly field: string }
  | { readonly act: 'refuse'; readonly code: number; readonly status: EnhancedStatus; readonly text: string };

export interface AccessRule {
  /** As written. */
  readonly text: string;
  readonly action: AccessAction;
  /** The client's name has to be looked up. */
  readonly asksName: boolean;
  fits(facts: AccessFacts): boolean;
}

type Test = (facts: AccessFacts) => boolean;
/** @returns undefined for a value of another form */
type Condition = (value: string) => Test | undefined;

const conditions: Readonly<Record<string, Condition>> = {
  client(value) {
    const network = parseNetwork(value);
    return network && (({ client }) => isInNetwork(client, network));
  },
  name(value) {
    if (value === '-') return ({ name }) => name === undefined;
    if (!isDomain(value.replace(/^\./, ''))) return undefined;
    return ({ name }) => name !== undefined && isDomainOf(name, value.toLowerCase());
  },
  helo: (value) =>
    isDomain(value.replace(/^\./, '')) ? ({ helo }) => isDomainOf(helo, value.toLowerCase()) : undefined,
  listener:
    (value) =>
    ({ listener }) =>
      listener === value,
  tls: (value) => (value === 'yes' || value === 'no' ? ({ tls }) => tls === (value === 'yes') : undefined),
  identity(value) {
    if (value === '*') return ({ identity }) => identity !== undefined;
    return value === '-' ? ({ identity }) => identity === undefined : ({ identity }) => identity === value;
  },
  from(value) {
    if (value === '<>') return ({ from }) => from === '';
    const matches = addressPattern(value);
    return matches && (({ from }) => matches(from));
  },
  to(value) {
    const matches = addressPattern(value);
    return matches && (({ to }) => matches(to));
  },
};

/** @returns the rule, or what is wrong with the line */
export function parseAccessRule(text: string): AccessRule | { readonly error: string } {
  const tests: (readonly Test[])[] = [];
  let asksName = false;
  const bounded = new Set<string>();
  let rest = text.trim();
  for (let match = next(rest); match; match = next(rest)) {
    const [whole, name = '', values = ''] = match;
    const condition = Object.hasOwn(conditions, name) ? conditions[name] : undefined;
    asksName ||= name === 'name';
    if (!condition)
      return { error: `unknown condition '${name}': use ${Object.keys(conditions).join(', ')}` };
    const alternatives = values.split(',').map((value) => condition(value));
    const bad = values.split(',')[alternatives.findIndex((test) => test === undefined)];
    if (bad !== undefined) return { error: `'${bad}' is no value for ${name}=` };
    tests.push(alternatives.filter((test) => test !== undefined));
    if (values.split(',').every((value) => bounds(name, value))) bounded.add(name);
    rest = rest.slice(whole.length);
  }
  const action = parseAction(rest);
  if ('error' in action) return action;
  if (action.act === 'relay' && bounded.size === 0)
    return {
      error:
        'this would relay mail for all the world: name clients, identities, recipients or a listener, since anybody may say any helo= and from=',
    };
  return {
    text: text.trim(),
    action:
      action.act === 'relay' ? { ...action, clients: bounded.size > Number(bounded.has('to')) } : action,
    asksName,
    fits: (facts) => tests.every((alternatives) => alternatives.some((test) => test(facts))),
  };
}

/** Not everybody can fulfil the condition, or not for every recipient. */
function bounds(name: string, value: string): boolean {
  if (name === 'client') return parseNetwork(value)?.prefix !== 0;
  if (name === 'name' || name === 'identity') return value !== '-';
  return name === 'to' || name === 'listener';
}

const next = (text: string): RegExpExecArray | null => /^([a-z]+)=(\S+)\s+/.exec(text);

export const decidingRule = <R extends AccessRule>(rules: readonly R[], facts: AccessFacts): R | undefined =>
  rules.find((rule) => rule.fits(facts));

/** Whoever writes `reject from=@b.example` does not mean to reject everything with that text. */
function conditionIn(text: string): string | undefined {
  const names = [...text.matchAll(/(?:^|\s)([a-z]+)=\S/g)].map(([, name]) => name);
  return names.find((name) => name !== undefined && Object.hasOwn(conditions, name));
}

function parseAction(text: string): AccessAction | { readonly error: string } {
  const [, act = '', rest = ''] = /^([a-z]+)(?:\s+(.*))?$/.exec(text) ?? [];
  const misplaced = act === 'header' ? undefined : conditionIn(rest);
  if (misplaced !== undefined)
    return {
      error: `${misplaced}= stands behind ${act}: conditions come first, as in ${misplaced}=… ${act}`,
    };
  switch (act) {
    case 'relay':
      return rest === '' ? { act, clients: false } : { error: `nothing may follow ${act}` };
    case 'accept':
    case 'discard':
      return rest === '' ? { act } : { error: `nothing may follow ${act}` };
    case 'redirect':
      return isMailbox(rest) ? { act, to: rest } : { error: 'after redirect an address must follow' };
    case 'hold':
      return isPrintable(rest)
        ? { act, reason: rest || 'by an access rule' }
        : { error: 'the reason of a hold is printable US-ASCII' };
    case 'header':
      return field.test(rest)
        ? { act, field: rest }
        : { error: 'after header a field must follow, as in X-Rule: yes' };
    case 'reject':
      return refusal(rest, { code: 550, status: '5.7.1', text: 'Not taken here' });
    case 'defer':
      return refusal(rest, { code: 451, status: '4.7.1', text: 'Not taken now, try again later' });
    default:
      return {
        error: `'${text}' is no action: use relay, accept, reject, defer, discard, redirect address, hold or header Name: value`,
      };
  }
}

const isPrintable = (text: string): boolean => /^[\x20-\x7e]*$/.test(text);
/** optional-field (RFC 5322 §3.6.8), on one line of at most 998 octets (§2.1.1). */
const field = /^[\x21-\x39\x3b-\x7e]{1,100}: [\x20-\x7e]{1,800}$/;

interface Refusal {
  readonly code: number;
  readonly status: EnhancedStatus;
  readonly text: string;
}

function refusal(text: string, preset: Refusal): AccessAction | { readonly error: string } {
  if (!isPrintable(text)) return { error: 'the text of a reply is printable US-ASCII' };
  const [, code, status, rest = ''] =
    /^([0-9]{3}) ([0-9]\.[0-9]{1,3}\.[0-9]{1,3})(?: (.*))?$/.exec(text) ?? [];
  if (code === undefined || status === undefined)
    return { act: 'refuse', ...preset, text: text === '' ? preset.text : text };
  // RFC 2034 §4: both say the same; a temporary failure stays one.
  if (code[0] !== status[0] || Number(code[0]) !== Math.floor(preset.code / 100))
    return { error: `a code and a status here begin with ${Math.floor(preset.code / 100)}` };
  return { act: 'refuse', code: Number(code), status: status as EnhancedStatus, text: rest || preset.text };
}

/** `a@b.example`, `@b.example`, `@.example`. Local parts in any case, as most who write rules think of them. */
function addressPattern(value: string): ((address: string) => boolean) | undefined {
  if (value.startsWith('@')) {
    const domain = value.slice(1).toLowerCase();
    if (!isDomain(domain.replace(/^\./, ''))) return undefined;
    return (address) =>
      address.includes('@') && isDomainOf(address.slice(address.lastIndexOf('@') + 1), domain);
  }
  if (!isMailbox(value)) return undefined;
  const wanted = value.toLowerCase();
  return (address) => address.toLowerCase() === wanted;
}

const isDomainOf = (domain: string, pattern: string): boolean =>
  pattern.startsWith('.') ? domain.toLowerCase().endsWith(pattern) : domain.toLowerCase() === pattern;
