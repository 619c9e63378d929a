/**
 * What a failure means. All of the policy is here and nothing of it anywhere else (RFC 5321 §3.1, §4.2.1, §5.1; RFC
 * 3463 §3); the model is Postfix's smtp_trouble.c. By scope:
 *
 * | where                | 4yz                                      | 5yz                                                     | broken off, late, no reply at all        |
 * |----------------------|------------------------------------------|---------------------------------------------------------|------------------------------------------|
 * | connect              |                                          |                                                         | exchanger: the next; all: site-temporary |
 * | greeting, EHLO, HELO | exchanger: the next; all: site-temporary | the same; 554 or 521 greetings from all: site-permanent | as connect                               |
 * | STARTTLS             | goes on unencrypted                      | goes on unencrypted                                     | handshake: once more without TLS         |
 * | MAIL                 | message: temporary                       | message: permanent                                      | message: temporary                       |
 * | RCPT                 | recipient: temporary                     | recipient: permanent                                    | message: temporary                       |
 * | DATA                 | message: temporary                       | message: permanent                                      | message: temporary                       |
 * | content, its reply   | message (LMTP: recipient): temporary     | message (LMTP: recipient): permanent                    | message: unknown once the dot is sent    |
 *
 * 421 to anything ends the session: the message is temporary, or untried where the session has done its share before.
 * A mail whose envelope went along with the content before it is untried when the session ends ahead of its turn.
 */
import { getSystemErrorMap } from 'node:util';
import type { Diagnostic } from '@postrider/mail';
import type { ChannelEnd, Job, RecipientOutcome } from '@postrider/protocol';
import { enhancedStatusOf, serverReplyText, type ServerReply } from '@postrider/smtp';
import { needsUtf8 } from './commands.js';
import type { Offer } from './offer.js';
import { stages, type Stage } from './stages.js';

export type Verdict = Pick<RecipientOutcome, 'outcome' | 'diagnostic' | 'dsnPassedOn' | 'deliverByDropped'>;

// --- session ---

/** Is it a reply that can stand there? After one that can't, nobody knows what the next ones answer. */
export const isUnderstood = (stage: Stage, { code }: ServerReply): boolean =>
  code >= 400 || (stage === 'data' ? code === 354 : stage !== 'block' && code < 300);

/** RFC 5321 §3.8: the server closes the channel, whatever it answers. */
export const endsSession = ({ code }: ServerReply): boolean => code === 421;

/** What is known of a mail at the moment its session ends. */
export interface Progress {
  /** Replies have come for it. */
  readonly answered: boolean;
  /** All of its content is on the way. */
  readonly dotSent: boolean;
  /** Mails that this session was through with before. */
  readonly mailsBefore: number;
}

/** 421: a server may have had enough of a session; that is no verdict on the mail that happens to be next. */
export function sessionRefused(
  reply: ServerReply,
  { dotSent, mailsBefore }: Progress,
  host: string,
): Verdict {
  const untried = !dotSent && mailsBefore > 0;
  return { outcome: untried ? 'untried' : 'temporary', diagnostic: diagnosticOf(reply, host) };
}

/** After the final dot nobody knows whether the server has the mail (RFC 1047); before it, it must have dropped it. */
export function sessionLost(diagnostic: Diagnostic, { answered, dotSent, mailsBefore }: Progress): Verdict {
  const before = mailsBefore > 0 && !answered ? 'untried' : 'temporary';
  return { outcome: dotSent ? 'unknown' : before, diagnostic };
}

/** We break off ourselves, since the worker ends. */
export const sessionAbandoned = ({ dotSent }: Progress): Verdict => ({
  outcome: dotSent ? 'unknown' : 'untried',
  diagnostic: { status: '4.3.2', text: 'the delivery worker was stopped' },
});

/** In words, and without the address that stands before it: `connection refused (ECONNREFUSED)`. */
export function faultText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'errno' in error && typeof error.errno === 'number' ? error.errno : 0;
  const [name = '', words] = getSystemErrorMap().get(code) ?? [];
  return words === undefined ? error.message : `${words} (${name})`;
}

/** RFC 3463 §3.5: X.4.1 no answer from the host, X.4.2 bad connection. */
export function brokenOff(stage: Stage, server: string, text: string): Diagnostic {
  return stage === 'connect'
    ? { status: '4.4.1', text: `connect to ${server}: ${text}` }
    : { status: '4.4.2', text: `${server}: ${text} while ${stages[stage].doing}` };
}

// --- site ---

/** An exchanger takes no mail: why, and whether it says 'never'. */
export interface Refusal {
  readonly never: boolean;
  readonly diagnostic: Diagnostic;
}

/** RFC 5321 §3.1, RFC 7504 §3: only these greetings say that no mail is ever taken there. */
export const greetingRefused = (reply: ServerReply, host: string): Refusal => ({
  never: reply.code === 554 || reply.code === 521,
  diagnostic: diagnosticOf(reply, host),
});

/** To EHLO or HELO a refusal is about us, and may be mended. */
export const helloRefused = (reply: ServerReply, host: string): Refusal => ({
  never: false,
  diagnostic: diagnosticOf(reply, host),
});

export const unreachable = (diagnostic: Diagnostic): Refusal => ({ never: false, diagnostic });

/** No mail is returned because one exchanger is out of order: 'never' must be said by all of them. */
export function siteFailed(refusals: readonly Refusal[], allTried: boolean): ChannelEnd {
  const temporary = refusals.find(({ never }) => !never);
  const [first] = refusals;
  if (first === undefined)
    return {
      reason: 'site-temporary',
      diagnostic: {
        status: '4.4.4',
        text: 'no exchanger has an address of a configured family (outbound.families)',
      },
    };
  if (temporary === undefined && allTried) return { reason: 'site-permanent', diagnostic: first.diagnostic };
  return { reason: 'site-temporary', diagnostic: asTemporary((temporary ?? first).diagnostic) };
}

/** The class of a status follows what we make of it. */
const asTemporary = ({ status, ...rest }: Diagnostic): Diagnostic => ({
  ...rest,
  status: status.replace(/^5/, '4'),
});

// --- message and recipient ---

/** 4yz or 5yz to MAIL, RCPT, DATA or the content. */
export const refused = (reply: ServerReply, host: string): Verdict => ({
  outcome: reply.code >= 500 ? 'permanent' : 'temporary',
  diagnostic: diagnosticOf(reply, host),
});

/** 2yz to the content: LMTP's server has delivered it (RFC 2033 §4.2), SMTP's takes care of it. */
export const taken = (reply: ServerReply, { host, lmtp, dsn }: Offer): Verdict => ({
  outcome: lmtp ? 'delivered' : 'relayed',
  diagnostic: diagnosticOf(reply, host),
  // RFC 3461 §5.2.1, §5.2.2 (b): who was told reports, else we do.
  ...(dsn ? { dsnPassedOn: true } : {}),
});

/** RFC 5321 §4.5.3.1.8: every server takes so many. */
const recipientsAtLeast = 100;

/**
 * Too many recipients for one transaction: not the recipient's fault, the rest goes in another one. RFC 5321
 * §4.5.3.1.10: 452, and 552 from old servers; mostly those codes mean a full mailbox, so the status must tell.
 */
export function recipientRefused(reply: ServerReply, acceptedBefore: number, host: string): Verdict {
  const status = enhancedStatusOf(reply);
  const many =
    status === undefined
      ? acceptedBefore >= recipientsAtLeast
      : /^[45]\.5\.3$/.test(status) && acceptedBefore > 0;
  const verdict = refused(reply, host);
  return many && (reply.code === 452 || reply.code === 552) ? { ...verdict, outcome: 'untried' } : verdict;
}

/** Why this server can't be given that mail at all; it is not bothered with it. */
export function unacceptable({ envelope, content }: Job, offer: Offer): Verdict | undefined {
  const { sizeInOctets, body, reversePath, recipients } = envelope;
  if (![reversePath, ...recipients.map(({ forwardPath }) => forwardPath)].every(isLine))
    return permanent('5.1.3', 'an address has a control character');
  // RFC 6531 §3.2
  if (needsUtf8(envelope) && !offer.smtputf8)
    return permanent(
      '5.6.7',
      `an address or the header is not US-ASCII, ${offer.host} does not offer SMTPUTF8`,
    );
  // RFC 1870 §6.1
  if (offer.sizeLimit !== undefined && sizeInOctets > offer.sizeLimit)
    return permanent('5.3.4', `the mail has ${sizeInOctets} octets, ${offer.host} takes ${offer.sizeLimit}`);
  const unproven = envelope.requireTls === true ? withoutRequiredTls(envelope, offer) : undefined;
  if (unproven !== undefined) return unproven;
  // RFC 3030 §3: nothing is converted; such mail is rare, and a broken signature helps nobody.
  if (body === 'BINARYMIME')
    return offer.binary
      ? undefined
      : permanent('5.6.3', `the mail is BINARYMIME, ${offer.host} does not offer it`);
  return content === undefined ? undefined : unsendable(content, offer);
}

/**
 * RFC 6152 §3: without 8BITMIME nothing but US-ASCII is sent, whatever the mail was said to be, and of the two ways the
 * permanent failure is ours: no conversion, as above. A large content is looked at as it is sent.
 */
export const unsendable = (content: Uint8Array, { eightBit, binary, host }: Offer): Verdict | undefined =>
  eightBit || binary || isSevenBit(content)
    ? undefined
    : permanent('5.6.3', `the mail has 8-bit octets, ${host} does not offer 8BITMIME`);

/**
 * RFC 8689 §4.2.1. A bounce goes on all the same (§5), and LMTP delivers (§4.4). The first exchanger that takes mail
 * decides: with names that nobody signed another would fare no better.
 */
function withoutRequiredTls({ reversePath }: Job['envelope'], offer: Offer): Verdict | undefined {
  const { host, lmtp, tls, requireTls } = offer;
  if (reversePath === '' || lmtp) return undefined;
  switch (tls) {
    case 'none':
      return permanent('5.7.10', `REQUIRETLS: the session with ${host} is not encrypted`);
    case 'unverified':
      return permanent('5.7.10', `REQUIRETLS: the certificate of ${host} does not prove who it is`);
    case 'unsigned':
      return permanent('5.7.30', `REQUIRETLS: nobody vouches for ${host} as an exchanger of the domain`);
    case 'verified':
      return requireTls
        ? undefined
        : permanent('5.7.30', `REQUIRETLS support required, ${host} does not offer it`);
  }
}

/** A content that can't be read to its end never gets its final dot. */
export const contentUnreadable = (text: string): Verdict => ({
  outcome: 'temporary',
  diagnostic: { status: '4.3.0', text: `the content can not be read: ${text}` },
});

export const aheadOfItsTurn = (text: string): Verdict => ({
  outcome: 'untried',
  diagnostic: { status: '4.4.2', text },
});

/** Status of the reply, or the general one of its class. */
export function diagnosticOf(reply: ServerReply, host: string): Diagnostic {
  const status = enhancedStatusOf(reply) ?? `${reply.code >= 500 ? 5 : reply.code >= 400 ? 4 : 2}.0.0`;
  return { status, text: serverReplyText(reply), remoteMta: host };
}

const permanent = (status: string, text: string): Verdict => ({
  outcome: 'permanent',
  diagnostic: { status, text },
});

/** Nothing in it ends a command line. */
const isLine = (path: string): boolean => /^\P{Cc}*$/u.test(path);

function isSevenBit(octets: Uint8Array): boolean {
  for (const octet of octets) if (octet > 0x7f) return false;
  return true;
}
