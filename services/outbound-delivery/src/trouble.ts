/**
 * What a failure means, by its scope: session, site, message or recipient. All of the policy is here, and nothing of it
 * anywhere else (RFC 5321 §4.2.1, §5.1; RFC 3463 §3).
 */
import type { Diagnostic } from '@postrider/mail';
import type { RecipientOutcome } from '@postrider/protocol';
import { serverReplyText, type ServerReply } from '@postrider/smtp';

export type Stage = 'connect' | 'greeting' | 'ehlo' | 'starttls' | 'mail' | 'rcpt' | 'data' | 'content';

/** The session can't go on; `outcome` is for the mail under way, if there is one. */
export class SessionLost extends Error {
  constructor(
    text: string,
    readonly diagnostic: Diagnostic,
  ) {
    super(text);
  }
}

/** The exchanger will not take mail now (4yz) or at all (5yz): another one is tried. */
export class ExchangerRefused extends Error {
  constructor(
    readonly permanent: boolean,
    readonly diagnostic: Diagnostic,
  ) {
    super(diagnostic.text);
  }
}

type OutcomeKind = RecipientOutcome['outcome'];

/** 2yz done, 4yz temporary, 5yz permanent; anything else is a server we don't understand: temporary. */
export function outcomeOf({
  code,
}: ServerReply): Extract<OutcomeKind, 'relayed' | 'temporary' | 'permanent'> {
  if (code >= 200 && code < 300) return 'relayed';
  return code >= 500 ? 'permanent' : 'temporary';
}

/** 421 ends the session whatever it answers (RFC 5321 §3.8). */
export const endsSession = ({ code }: ServerReply): boolean => code === 421;

export function diagnosticOf(reply: ServerReply, remoteMta: string): Diagnostic {
  const status = reply.enhanced ?? `${Math.min(5, Math.max(2, Math.floor(reply.code / 100)))}.0.0`;
  return { status: status.startsWith('3.') ? '4.5.0' : status, text: serverReplyText(reply), remoteMta };
}

/** RFC 3463 §3.5: X.4.1 no answer, X.4.2 bad connection, X.4.4 unable to route. */
export const noAnswer = (text: string, remoteMta?: string): Diagnostic => local('4.4.1', text, remoteMta);
export const badConnection = (text: string, remoteMta?: string): Diagnostic =>
  local('4.4.2', text, remoteMta);
export const messageTooBig = (size: number, limit: number, remoteMta: string): Diagnostic =>
  local('5.3.4', `mail of ${size} octets, ${remoteMta} takes ${limit}`);
/** Departs from RFC 6152 §3: no conversion to 7 bits; such servers are few, and a broken signature helps nobody. */
export const needs8Bit = (remoteMta: string): Diagnostic =>
  local('5.6.3', `mail has 8-bit octets, ${remoteMta} offers no 8BITMIME`);
export const contentMissing = (text: string): Diagnostic => local('4.3.0', `content: ${text}`);

/**
 * The connection broke. After the final dot nobody knows whether the server has the mail (RFC 1047); before it, the
 * server must have dropped it.
 */
export const brokenAt = (dotSent: boolean): OutcomeKind => (dotSent ? 'unknown' : 'temporary');

function local(status: string, text: string, remoteMta?: string): Diagnostic {
  return remoteMta === undefined ? { status, text } : { status, text: `${text} (${remoteMta})` };
}
