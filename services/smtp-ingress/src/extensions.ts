/**
 * The service extensions that EHLO shows (RFC 5321 §2.2) and the parameters they add. One line here, and its promise
 * kept end to end, makes a new one.
 */
import { isMailbox, parseXtext, reply, type EsmtpParameters, type Reply } from '@postrider/smtp';
import type { Recipient } from '@postrider/mail';
import { bodyValue, requireTlsValue, smtputf8Value } from './content-parameters.js';
import { envidValue, notifyValue, orcptValue, retValue } from './dsn-parameters.js';
import {
  byValue,
  contradiction,
  futureReleaseLimits,
  holdForValue,
  holdUntilValue,
  offersFutureRelease,
  priorityValue,
} from './scheduling-parameters.js';
import { mayVouchFor, mechanismsOf } from './auth/listener-auth.js';
import type { Client, Transaction } from './session/session-state.js';
import { offersChunking } from './verbs/bdat.js';
import { trustsXclient, xclientAttributes, xforwardAttributes } from './verbs/xclient.js';
import type { SessionFacts } from './verbs/verb.js';

export type MailParameters = Omit<Transaction, 'reversePath'>;

export interface Extension {
  readonly keyword: string;
  /** After the keyword in the reply to EHLO. */
  readonly shown?: (facts: SessionFacts) => string;
  /** Absent: always. */
  readonly offered?: (facts: SessionFacts) => boolean;
  /** Parameters it adds to MAIL, by keyword in upper case. */
  readonly mail?: Readonly<Record<string, MailParameter>>;
  /** Parameters it adds to RCPT. */
  readonly rcpt?: Readonly<Record<string, RcptParameter>>;
}

/** @returns what it says about the transaction, or why it is refused */
type MailParameter = (
  value: string | undefined,
  facts: SessionFacts,
  soFar: MailParameters,
) => Partial<MailParameters> | { readonly refused: Reply };

/** What the parameters of RCPT say about the recipients that it leads to. */
export type RcptParameters = Pick<Recipient, 'notify' | 'orcpt'>;
type RcptParameter = (value: string | undefined) => RcptParameters | { readonly refused: Reply };

export const extensions: readonly Extension[] = [
  /** RFC 2920 */
  { keyword: 'PIPELINING' },
  /** RFC 1870 */
  { keyword: 'SIZE', shown: ({ limits }) => String(limits.message_size), mail: { SIZE: declaredSize } },
  /** RFC 6152 */
  { keyword: '8BITMIME', mail: { BODY: bodyValue } },
  /** RFC 8689 §2: within TLS. */
  { keyword: 'REQUIRETLS', offered: ({ tls }) => tls !== undefined, mail: { REQUIRETLS: requireTlsValue } },
  /** RFC 6531 */
  { keyword: 'SMTPUTF8', mail: { SMTPUTF8: smtputf8Value } },
  /** RFC 3030 §2 */
  { keyword: 'CHUNKING', offered: offersChunking },
  /** RFC 3030 §3; its value of BODY is among those of 8BITMIME. */
  { keyword: 'BINARYMIME', offered: offersChunking },
  /** Postfix XCLIENT_README, XFORWARD_README */
  { keyword: 'XCLIENT', offered: trustsXclient, shown: () => xclientAttributes.join(' ') },
  { keyword: 'XFORWARD', offered: trustsXclient, shown: () => xforwardAttributes.join(' ') },
  /** RFC 3461 */
  {
    keyword: 'DSN',
    mail: {
      RET: (value, _, { dsn }) => retValue(value, dsn),
      ENVID: (value, _, { dsn }) => envidValue(value, dsn),
    },
    rcpt: { NOTIFY: notifyValue, ORCPT: orcptValue },
  },
  /** RFC 4865 */
  {
    keyword: 'FUTURERELEASE',
    offered: offersFutureRelease,
    shown: futureReleaseLimits,
    mail: { HOLDFOR: holdForValue, HOLDUNTIL: holdUntilValue },
  },
  /** RFC 2852; no shortest time: whether the next hop has one is only seen there. */
  { keyword: 'DELIVERBY', mail: { BY: byValue } },
  /** RFC 6710 */
  { keyword: 'MT-PRIORITY', mail: { 'MT-PRIORITY': priorityValue } },
  /** RFC 9422 §4.2 */
  { keyword: 'LIMITS', shown: ({ limits }) => `RCPTMAX=${limits.recipients}` },
  /** RFC 2034 */
  { keyword: 'ENHANCEDSTATUSCODES' },
  /** RFC 4954 §3 */
  {
    keyword: 'AUTH',
    offered: (facts) => mechanismsOf(facts).length > 0,
    shown: (facts) =>
      mechanismsOf(facts)
        .map(({ name }) => name)
        .join(' '),
    mail: { AUTH: authParameter },
  },
  /** RFC 3207 §4.2: not within TLS. */
  { keyword: 'STARTTLS', offered: ({ tls, offersTls }) => offersTls && !tls },
];

const mailParameterTable: ReadonlyMap<string, readonly [Extension, MailParameter]> = new Map(
  extensions.flatMap((extension) =>
    Object.entries(extension.mail ?? {}).map(([keyword, take]) => [keyword, [extension, take]] as const),
  ),
);
const rcptParameterTable: ReadonlyMap<string, readonly [Extension, RcptParameter]> = new Map(
  extensions.flatMap((extension) =>
    Object.entries(extension.rcpt ?? {}).map(([keyword, take]) => [keyword, [extension, take]] as const),
  ),
);

const byDefault: MailParameters = { body: '7BIT' };

/** All parameters of a MAIL command, or the reply to the first that can't be taken. */
export function mailParameters(
  given: EsmtpParameters,
  client: Client,
  facts: SessionFacts,
): MailParameters | { readonly refused: Reply } {
  if (given.size === 0) return byDefault;
  let parameters = byDefault;
  for (const [keyword, value] of given) {
    // RFC 5321 §2.2.1: extensions are for those who greeted with EHLO.
    const [extension, take] = (client.protocol !== 'SMTP' && mailParameterTable.get(keyword)) || [];
    if (!take || extension?.offered?.(facts) === false) return { refused: unknownParameter(keyword) };
    const found = take(value, facts, parameters);
    if ('refused' in found) return found;
    parameters = { ...parameters, ...found };
  }
  return contradiction(parameters) ?? parameters;
}

const none: RcptParameters = {};

/** All parameters of a RCPT command, or the reply to the first that can't be taken. */
export function rcptParameters(
  given: EsmtpParameters,
  client: Client,
  facts: SessionFacts,
): RcptParameters | { readonly refused: Reply } {
  let parameters = none;
  for (const [keyword, value] of given) {
    const [extension, take] = (client.protocol !== 'SMTP' && rcptParameterTable.get(keyword)) || [];
    if (!take || extension?.offered?.(facts) === false) return { refused: unknownParameter(keyword) };
    const found = take(value);
    if ('refused' in found) return found;
    parameters = { ...parameters, ...found };
  }
  return parameters;
}

/** RFC 5321 §4.1.1.11 */
const unknownParameter = (keyword: string): Reply =>
  reply(555, '5.5.4', `Parameter ${keyword} is not recognized`);

/** size-value ::= 1*20DIGIT (RFC 1870 §4). It is only checked: content is counted as it comes. */
function declaredSize(
  value: string | undefined,
  { limits: { message_size } }: SessionFacts,
): { refused: Reply } | object {
  if (value === undefined || !/^[0-9]{1,20}$/.test(value))
    return { refused: reply(501, '5.5.4', 'SIZE must be a number of octets, as in SIZE=12345') };
  // RFC 1870 §6.1 (2)
  if (Number(value) > message_size)
    return { refused: reply(552, '5.3.4', `Message is larger than the ${message_size} octets taken here`) };
  return {};
}

/**
 * AUTH=mailbox in xtext, or `<>` (RFC 4954 §5). It is passed on when it comes from an identity that may send from that
 * mailbox; what anybody else says of who submitted it counts as `<>`.
 */
function authParameter(
  value: string | undefined,
  facts: SessionFacts,
): Partial<MailParameters> | { refused: Reply } {
  const mailbox = value === undefined ? undefined : parseXtext(value);
  if (mailbox === '<>') return {};
  if (mailbox === undefined || !isMailbox(mailbox))
    return { refused: reply(501, '5.5.4', 'AUTH must be an address in xtext, or <>') };
  return mayVouchFor(mailbox, facts) ? { submitter: mailbox } : {};
}
